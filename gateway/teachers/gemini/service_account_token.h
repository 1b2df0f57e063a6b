// Access tokens made from a service account's key, renewed before they run out.
#pragma once

#include <memory>

#include "base/clock.h"
#include "base/http/transport.h"
#include "gateway/teachers/access_token.h"
#include "gateway/teachers/gemini/service_account.h"

namespace limbeck::gateway {

// The first call of Current starts an exchange at the account's token_uri and is UNAVAILABLE until
// it ends; later ones renew in the background, five minutes ahead. After a failed exchange the next
// starts ten seconds later at the earliest, and errors say what the token endpoint said.
// `transport` and `clock` are borrowed: they must outlive the last call of Current.
std::shared_ptr<AccessToken> NewServiceAccountToken(ServiceAccount account,
                                                    http::Transport* transport, Clock* clock);

}  // namespace limbeck::gateway
