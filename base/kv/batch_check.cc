#include "base/kv/batch_check.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/hash.h"
#include "base/string_view.h"

namespace limbeck::kv {

absl::Status UnknownTable(std::string_view table, const std::vector<std::string>& known) {
  return absl::NotFoundError(
      absl::StrCat("no table \"", ToAbsl(table),
                   "\"; the engine was opened with: ", absl::StrJoin(known, ", ")));
}

absl::Status CheckBatch(const WriteBatch& batch, const std::vector<std::string>& tables,
                        size_t max_bytes) {
  if (batch.bytes() > max_bytes) {
    return absl::InvalidArgumentError(absl::StrCat("batch has ", batch.bytes(),
                                                   " bytes, the limit (max_batch_bytes) is ",
                                                   max_bytes, "; write it in parts"));
  }
  for (const WriteBatch::Operation& operation : batch.operations()) {
    if (std::find(tables.begin(), tables.end(), operation.table) == tables.end()) {
      return absl::InvalidArgumentError(UnknownTable(operation.table, tables).message());
    }
  }
  return absl::OkStatus();
}

absl::Status PreconditionFailed(const WriteBatch::Operation& operation) {
  constexpr size_t kShownKeyBytes = 32;
  const bool absent = operation.kind == WriteBatch::Operation::Kind::kExpectAbsent;
  return absl::AbortedError(
      absl::StrCat("precondition failed: key 0x",
                   HexEncode(std::string_view(operation.key).substr(0, kShownKeyBytes)),
                   operation.key.size() > kShownKeyBytes ? "…" : "", " of table ", operation.table,
                   absent ? " is present" : " does not have the expected value"));
}

}  // namespace limbeck::kv
