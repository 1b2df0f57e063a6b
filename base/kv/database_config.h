// From the operator's configuration to an engine's options.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "base/kv/open.h"
#include "limbeck/v1/config.pb.h"

namespace limbeck::kv {

// What is wrong with it, as (field, what): "connection" "is required". Reads nothing.
std::vector<std::pair<std::string, std::string>> FaultsOf(const v1::DatabaseConfig& config);

// Options of the driver "postgres" without tables. INVALID_ARGUMENT names all faults; otherwise
// errors are those of reading the password.
absl::StatusOr<OpenOptions> ToOpenOptions(const v1::DatabaseConfig& config);

}  // namespace limbeck::kv
