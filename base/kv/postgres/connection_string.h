// What a user writes to name a database.
#pragma once

#include <string>

#include "absl/status/status.h"

namespace limbeck::kv {

// INVALID_ARGUMENT for what libpq cannot read, for an empty string, and for one with a password,
// which would be shown wherever the configuration is. Messages hold nothing of a password.
absl::Status CheckConnectionString(const std::string& connection);

}  // namespace limbeck::kv
