// Bearer tokens in call metadata.
#pragma once

#include <grpcpp/security/auth_metadata_processor.h>
#include <grpcpp/server_context.h>

#include <functional>
#include <memory>
#include <optional>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/secret.h"

namespace limbeck::rpc {

// Whether a token may call this server: OK, or UNAUTHENTICATED. Called from many threads at once,
// for every call; may block for a key-value read, not longer.
using Authenticator = std::function<absl::Status(std::string_view token)>;

// Accepts the tokens of a file, one a line; empty lines and lines starting with '#' are skipped.
// Several tokens let one be replaced without a gap. Compares in constant time.
absl::StatusOr<Authenticator> TokenFileAuthenticator(const std::string& path);

// The token of a call, for handlers that tell callers apart; nullopt where it has none. Read it
// from each call, not from the connection: a proxy's connection carries the calls of many.
std::optional<std::string_view> BearerToken(const grpc::ServerContextBase& context);

// Runs `authenticate` before any handler; without a token, or with a wrong one, the call ends with
// UNAUTHENTICATED. Health checks pass without: probes of Kubernetes carry no token.
std::shared_ptr<grpc::AuthMetadataProcessor> NewTokenProcessor(Authenticator authenticate);

}  // namespace limbeck::rpc
