// From predictions on held-out rows to the acceptance report.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "limbeck/v1/job.pb.h"
#include "limbeck/v1/report.pb.h"
#include "trainer/evaluation/bootstrap.h"
#include "trainer/evaluation/label_warnings.h"

namespace limbeck::trainer {

// What is known before the comparison; copied into the report.
struct ReportContext {
  std::string job_id;
  v1::JobSpec spec;  // Defaults filled in.
  v1::DataFacts data_facts;
  v1::StudentFacts student_facts;
  std::vector<v1::LearningPoint> learning_curve;
  uint32_t workers = 1;
  int64_t create_unix_micros = 0;
  // Texts of the held-out rows that were longer than the student reads.
  uint64_t cut_texts = 0;
  AbsentLabels absent_labels;
};

// INVALID_ARGUMENT for a metric this version does not know.
absl::StatusOr<DecisionMetric> MetricFromName(const std::string& name);

// Compares student and teacher on `rows` and decides. Pure: equal inputs give equal reports.
absl::StatusOr<v1::AcceptanceReport> MakeReport(const ReportContext& context,
                                                const std::vector<EvaluatedRow>& rows);

}  // namespace limbeck::trainer
