// The pass over a dataset before any money is spent: every fault in one answer.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gateway/templates/prompt_template.h"
#include "gateway/templates/rows/row_reader.h"

namespace limbeck::gateway {

struct RowValidationSpec {
  // Rendered for every row when set; borrowed for the call.
  const PromptTemplate* prompt = nullptr;
  // Column the student reads: must hold text. Empty to leave out.
  std::string input_column;
  // Gold label: must be a string. Empty to leave out.
  std::string label_column;
  // When false, rows without the label column pass.
  bool label_required = true;
  // Labels that may occur; empty for any.
  std::vector<std::string> labels;
  // Faults kept in full; the rest is counted.
  size_t max_faults = 20;
  // Explicit row ids are checked for repeats among this many first rows (16 bytes of memory each).
  uint64_t max_tracked_ids = 1 << 20;
};

struct RowFault {
  uint64_t row = 0;  // From 1.
  std::string message;
};

struct RowValidation {
  uint64_t rows = 0;
  std::vector<RowFault> faults;  // At most max_faults, in file order.
  uint64_t faults_total = 0;

  bool ok() const { return faults_total == 0; }
  // OK, or INVALID_ARGUMENT with the kept faults one a line and "and 37 more"; each is also a field
  // violation of "rows[3]", counted from 1.
  absl::Status ToStatus() const;
};

// Reads from the reader's position to the end. A faulty row is a fault in the answer; only read
// errors are a status.
absl::StatusOr<RowValidation> ValidateRows(RowReader& reader, const RowValidationSpec& spec);

}  // namespace limbeck::gateway
