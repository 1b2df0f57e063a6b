// Which part of a dataset a row belongs to.
#pragma once

#include <cstdint>
#include <string_view>

#include "absl/status/statusor.h"

namespace limbeck::gateway {

enum class DatasetPart { kTrain, kValidation, kHeldOut };

struct SplitSpec {
  // Shares of rows, each 0 … 0.9, together below 1; the rest trains.
  double validation = 0.0;
  double held_out = 0.2;
  uint64_t seed = 0;
};

// A pure function of the student's input text: equal texts never stand on both sides, rows may come
// in any order, and a dataset that grows keeps its assignments. Thread-safe.
class Split {
 public:
  // INVALID_ARGUMENT names the share and its range.
  static absl::StatusOr<Split> Create(const SplitSpec& spec);

  // Texts that differ in ASCII case or whitespace only count as equal.
  DatasetPart Of(std::string_view student_input) const;

 private:
  explicit Split(const SplitSpec& spec) : spec_(spec) {}
  SplitSpec spec_;
};

}  // namespace limbeck::gateway
