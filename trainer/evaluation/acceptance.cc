#include "trainer/evaluation/acceptance.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "base/status.h"
#include "trainer/evaluation/verdict.h"

namespace limbeck::trainer {
namespace {

// Below these a reader should doubt the numbers of a label, and of the whole.
constexpr uint64_t kFewRowsOfALabel = 30;
constexpr uint64_t kFewRows = 200;

v1::Estimate ToEstimate(const Interval& interval) {
  v1::Estimate estimate;
  estimate.set_value(interval.value);
  estimate.set_low(interval.low);
  estimate.set_high(interval.high);
  return estimate;
}

v1::Quality ToQuality(const Comparison::Side& side, const Tally::Side& tally) {
  v1::Quality quality;
  *quality.mutable_accuracy() = ToEstimate(side.accuracy);
  *quality.mutable_macro_f1() = ToEstimate(side.macro_f1);
  *quality.mutable_expected_calibration_error() = ToEstimate(side.calibration_error);
  quality.mutable_confusion()->Add(tally.confusion.begin(), tally.confusion.end());
  for (const ReliabilityCell& cell : tally.bins) {
    v1::ReliabilityBin* bin = quality.add_reliability();
    bin->set_rows(cell.rows);
    if (cell.rows == 0) continue;
    bin->set_confidence(cell.confidence_sum / static_cast<double>(cell.rows));
    bin->set_accuracy(static_cast<double>(cell.right) / static_cast<double>(cell.rows));
  }
  return quality;
}

v1::Verdict ToProto(StudentVerdict verdict) {
  switch (verdict) {
    case StudentVerdict::kAccept:
      return v1::VERDICT_ACCEPT;
    case StudentVerdict::kReject:
      return v1::VERDICT_REJECT;
    case StudentVerdict::kInconclusive:
      return v1::VERDICT_INCONCLUSIVE;
  }
  return v1::VERDICT_UNSPECIFIED;
}

void AddWarnings(const ReportContext& context, const std::vector<EvaluatedRow>& rows,
                 v1::AcceptanceReport* report) {
  if (rows.size() < kFewRows) {
    report->add_warnings(absl::StrCat("Only ", rows.size(),
                                      " held-out rows: intervals are wide. Hold out more rows."));
  }
  std::vector<uint64_t> per_label(static_cast<size_t>(report->labels_size()));
  for (const EvaluatedRow& row : rows) ++per_label[row.gold];
  for (int i = 0; i < report->labels_size(); ++i) {
    if (per_label[static_cast<size_t>(i)] >= kFewRowsOfALabel) continue;
    report->add_warnings(absl::StrCat("Label \"", report->labels(i), "\" has only ",
                                      per_label[static_cast<size_t>(i)],
                                      " held-out rows: its part of macro F1 is uncertain."));
  }
  if (context.data_facts.rejected_rows() > 0) {
    report->add_warnings(absl::StrCat(context.data_facts.rejected_rows(),
                                      " rows got no usable answer and are left out everywhere, "
                                      "also of the comparison; see limbeck jobs rejections."));
  }
  if (context.data_facts.teacher_models_size() > 1) {
    report->add_warnings(absl::StrCat(
        "Answers came from ", context.data_facts.teacher_models_size(), " models of the teacher (",
        absl::StrJoin(context.data_facts.teacher_models(), ", "),
        "): the provider changed it meanwhile, or earlier answers "
        "were reused."));
  }
  if (context.spec.method().hard_labels() == v1::HARD_LABEL_SOURCE_GOLD) {
    report->add_warnings(
        "Hard labels came from the dataset (method.hard_labels = GOLD), so the student saw gold "
        "labels of training rows that the teacher did not see.");
  }
  if (context.cut_texts > 0) {
    report->add_warnings(absl::StrCat(context.cut_texts,
                                      " held-out texts were longer than the student reads and "
                                      "were cut; raise student.encoder.max_tokens."));
  }
}

}  // namespace

absl::StatusOr<DecisionMetric> MetricFromName(const std::string& name) {
  if (name == "macro_f1") return DecisionMetric::kMacroF1;
  if (name == "accuracy") return DecisionMetric::kAccuracy;
  if (name == "agreement") return DecisionMetric::kAgreement;
  return absl::InvalidArgumentError(absl::StrCat("acceptance.metric is \"", name,
                                                 "\"; expected macro_f1, accuracy or agreement"));
}

absl::StatusOr<v1::AcceptanceReport> MakeReport(const ReportContext& context,
                                                const std::vector<EvaluatedRow>& rows) {
  const v1::Acceptance& acceptance = context.spec.acceptance();
  LIMBECK_ASSIGN_OR_RETURN(const DecisionMetric metric, MetricFromName(acceptance.metric()));
  v1::AcceptanceReport report;
  report.set_job_id(context.job_id);
  for (const v1::Label& label : context.spec.task().classify().labels()) {
    report.add_labels(label.name());
  }
  const auto labels = static_cast<size_t>(report.labels_size());
  const Comparison comparison = Compare(rows, labels,
                                        {.metric = metric,
                                         .confidence = acceptance.confidence(),
                                         .resamples = acceptance.resamples(),
                                         .seed = context.spec.method().seed()});
  *report.mutable_student() = ToQuality(comparison.student, comparison.tally.student());
  *report.mutable_teacher() = ToQuality(comparison.teacher, comparison.tally.teacher());
  *report.mutable_agreement() = ToEstimate(comparison.agreement);

  const VerdictResult result = Decide(comparison.difference, acceptance.margin(), rows.size());
  report.set_verdict(ToProto(result.verdict));
  v1::Decision* decision = report.mutable_decision();
  decision->set_metric(acceptance.metric());
  decision->set_margin(acceptance.margin());
  decision->set_confidence(acceptance.confidence());
  decision->set_resamples(acceptance.resamples());
  *decision->mutable_difference() = ToEstimate(comparison.difference);
  decision->set_rows_needed(result.rows_needed);
  decision->set_sentence(VerdictSentence(result, metric, comparison.difference, acceptance.margin(),
                                         acceptance.confidence(), rows.size()));

  *report.mutable_student_facts() = context.student_facts;
  *report.mutable_data_facts() = context.data_facts;
  report.mutable_data_facts()->set_held_out_rows(rows.size());
  *report.mutable_method() = context.spec.method();
  report.mutable_learning_curve()->Add(context.learning_curve.begin(),
                                       context.learning_curve.end());
  report.mutable_create_time()->set_seconds(context.create_unix_micros / 1'000'000);
  report.mutable_create_time()->set_nanos(
      static_cast<int32_t>(context.create_unix_micros % 1'000'000) * 1000);
  report.set_workers(context.workers);
  AddWarnings(context, rows, &report);
  AddLabelWarnings(context.spec, context.absent_labels, &report);
  return report;
}

}  // namespace limbeck::trainer
