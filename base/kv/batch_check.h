// Checks that every driver makes before it touches a batch, so that all refuse alike. For drivers.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "base/kv/engine.h"

namespace limbeck::kv {

// NOT_FOUND, naming the table and the known ones; what Reader answers for an unknown table.
absl::Status UnknownTable(std::string_view table, const std::vector<std::string>& known);

// INVALID_ARGUMENT for a table outside `tables` or a batch above `max_bytes`.
absl::Status CheckBatch(const WriteBatch& batch, const std::vector<std::string>& tables,
                        size_t max_bytes);

// ABORTED, naming table and key (in hexadecimal, shortened).
absl::Status PreconditionFailed(const WriteBatch::Operation& operation);

}  // namespace limbeck::kv
