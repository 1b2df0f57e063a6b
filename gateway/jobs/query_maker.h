// From a row to the questions that a teacher is asked about it.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "gateway/expansion/expansion.h"
#include "gateway/jobs/job_context.h"
#include "gateway/jobs/prompt_plan.h"
#include "gateway/jobs/row_walk.h"
#include "gateway/noise/prompt_noise.h"
#include "gateway/teachers/teacher.h"
#include "limbeck/v1/job.pb.h"

namespace limbeck::gateway {

// Immutable, thread-safe.
class QueryMaker {
 public:
  // `spec` has its defaults filled in and names a teacher of `teachers`, which is borrowed. Reads
  // the few-shot pool, where there is one. INVALID_ARGUMENT when that is too small.
  static absl::StatusOr<QueryMaker> Create(const v1::JobSpec& spec, const JobTeachers& teachers,
                                           const DatasetStore& datasets);

  // Questions about one row. Training rows are asked in every combination of the expansion, clean
  // and with noise; other rows once, in their first. What a variant index stands for: SplitVariant.
  uint32_t VariantsOf(const JobRow& row) const {
    return row.part == DatasetPart::kTrain ? plan_.positions() * (1 + noise_variants_) : 1;
  }
  // The sequence of all questions about `rows` rows; indices of variants that a row has not are
  // passed over.
  ExpansionSpec ExpansionOf(uint64_t rows) const;
  // Queries per question, at most: votes, or labels that are scored.
  uint32_t samples() const { return samples_; }
  // Those that are asked at once; fewer where voting may stop early.
  uint32_t first_samples() const { return first_samples_; }
  // Whether a row is of no use without an answer to each of them.
  bool needs_all_samples() const { return scored_; }

  // The student's input in that variant: the row's own, or with noise.
  std::string InputOf(const JobRow& row, uint32_t variant) const;
  // The query of sample 0. INVALID_ARGUMENT names row and column where the prompt cannot be made.
  absl::StatusOr<TeacherQuery> QueryOf(const JobRow& row, uint32_t variant) const;
  // Makes a query of QueryOf that of another sample, below samples(): votes differ in their sample
  // index, scored labels in the text that is scored.
  void SetSample(uint32_t sample, TeacherQuery* query) const;

  const JobTeacher& teacher() const { return *teacher_; }

 private:
  QueryMaker(PromptPlan plan, const JobTeacher* teacher, const v1::JobSpec& spec,
             PromptNoiseSpec noise);

  PromptPlan plan_;
  const JobTeacher* teacher_;
  v1::JobSpec spec_;
  PromptNoiseSpec noise_;
  uint32_t noise_variants_;
  uint32_t samples_;
  uint32_t first_samples_;
  bool scored_;
  // JSON schema of the answers; empty for free text.
  std::string schema_;
  // The only answers that votes may give; empty: any.
  std::vector<std::string> choices_;
};

}  // namespace limbeck::gateway
