// Decides whether a row's answers can be trained on.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "cache/records/label_reader.h"
#include "cache/records/soft_output.h"
#include "gateway/teachers/failure.h"
#include "limbeck/v1/job.pb.h"

namespace limbeck::gateway {

// Why a row has no usable answer, as in v1.Rejection.
struct RowVerdict {
  bool usable = false;
  std::string reason;
  std::string detail;
  double leftover = 0.0;  // Of a usable row.
};

// Immutable, thread-safe.
class RowJudge {
 public:
  // `spec` has its defaults filled in.
  static absl::StatusOr<RowJudge> Create(const v1::JobSpec& spec);

  // `outputs` in order of sample index; `failure` when a sample has none. Answers that are there
  // decide; a failure only does where there is no answer at all, or where all are needed.
  RowVerdict Judge(const std::vector<cache::SoftOutput>& outputs,
                   const std::optional<Failure>& failure) const;

  // Whether another answer to the row should be bought (LabelReader::WantsMore).
  bool WantsMore(const std::vector<cache::SoftOutput>& outputs) const {
    return reader_.WantsMore(outputs);
  }

 private:
  explicit RowJudge(cache::LabelReader reader) : reader_(std::move(reader)) {}
  cache::LabelReader reader_;
};

// REFUSED, GARBLED or BAD_REQUEST for failures that are about the row; empty for those that are
// not.
std::string RowReason(const Failure& failure);

}  // namespace limbeck::gateway
