// What a server that speaks PostgreSQL's protocol reports, as absl::Status.
#pragma once

#include <string_view>

#include "absl/status/status.h"

namespace limbeck::kv {

// `sqlstate`: five characters, or empty where the server said none (the connection broke).
// https://www.postgresql.org/docs/15/errcodes-appendix.html
absl::Status FromPostgres(std::string_view sqlstate, std::string_view message,
                          std::string_view action);

// The transaction lost against a parallel one, and nothing of it was kept: it may be run again.
bool IsConflict(std::string_view sqlstate);

// Two servers created the same table at once: the loser may try again.
bool IsCreatedMeanwhile(std::string_view sqlstate);

}  // namespace limbeck::kv
