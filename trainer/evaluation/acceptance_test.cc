#include "trainer/evaluation/acceptance.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace limbeck::trainer {
namespace {

using testing::Contains;
using testing::HasSubstr;

ReportContext Context() {
  ReportContext context;
  context.job_id = "job-1";
  context.spec.mutable_task()->mutable_classify()->add_labels()->set_name("red");
  context.spec.mutable_task()->mutable_classify()->add_labels()->set_name("blue");
  v1::Acceptance* acceptance = context.spec.mutable_acceptance();
  acceptance->set_metric("accuracy");
  acceptance->set_margin(0.03);
  acceptance->set_confidence(0.95);
  acceptance->set_resamples(500);
  context.spec.mutable_method()->set_seed(1);
  context.create_unix_micros = 1'700'000'000'500'000;
  return context;
}

// `wrong` of the student's predictions differ from gold; the teacher is always right.
std::vector<EvaluatedRow> Rows(size_t count, size_t wrong) {
  std::vector<EvaluatedRow> rows;
  for (size_t i = 0; i < count; ++i) {
    const auto gold = static_cast<uint32_t>(i % 2);
    rows.push_back({.gold = gold,
                    .student = {.label = i < wrong ? 1 - gold : gold, .confidence = 0.9},
                    .teacher = {.label = gold, .confidence = 0.8}});
  }
  return rows;
}

TEST(MakeReportTest, AcceptsAStudentThatIsAsGoodAsTheTeacher) {
  const auto report = MakeReport(Context(), Rows(400, 0));
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_EQ(report->verdict(), v1::VERDICT_ACCEPT);
  EXPECT_EQ(report->student().accuracy().value(), 1.0);
  EXPECT_EQ(report->student().confusion_size(), 4);
  EXPECT_EQ(report->student().confusion(0), 200u);
  EXPECT_EQ(report->data_facts().held_out_rows(), 400u);
  EXPECT_NEAR(report->student().expected_calibration_error().value(), 0.1, 1e-9);
  EXPECT_NEAR(report->teacher().expected_calibration_error().value(), 0.2, 1e-9);
  EXPECT_EQ(report->create_time().nanos(), 500'000'000);
}

TEST(MakeReportTest, RejectsAStudentThatIsClearlyWorse) {
  const auto report = MakeReport(Context(), Rows(400, 100));
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_EQ(report->verdict(), v1::VERDICT_REJECT);
  EXPECT_NEAR(report->decision().difference().value(), -0.25, 1e-9);
  EXPECT_FALSE(report->decision().sentence().empty());
}

TEST(MakeReportTest, SaysHowManyRowsWouldDecide) {
  const auto report = MakeReport(Context(), Rows(60, 1));
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_EQ(report->verdict(), v1::VERDICT_INCONCLUSIVE);
  EXPECT_GT(report->decision().rows_needed(), 0u);
  EXPECT_THAT(report->warnings(), Contains(HasSubstr("Only 60 held-out rows")));
}

TEST(MakeReportTest, WarnsOfWhatAReaderShouldDoubt) {
  ReportContext context = Context();
  context.data_facts.set_rejected_rows(3);
  context.cut_texts = 2;
  context.data_facts.add_teacher_models("m-2026");
  context.data_facts.add_teacher_models("m-2027");
  context.spec.mutable_method()->set_hard_labels(v1::HARD_LABEL_SOURCE_GOLD);
  const auto report = MakeReport(context, Rows(400, 0));
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_THAT(report->warnings(), Contains(HasSubstr("3 rows got no usable answer")));
  EXPECT_THAT(report->warnings(), Contains(HasSubstr("2 held-out texts")));
  EXPECT_THAT(report->warnings(), Contains(HasSubstr("2 models of the teacher (m-2026, m-2027)")));
  EXPECT_THAT(report->warnings(), Contains(HasSubstr("Hard labels came from the dataset")));
}

TEST(MakeReportTest, RefusesAnUnknownMetric) {
  ReportContext context = Context();
  context.spec.mutable_acceptance()->set_metric("bleu");
  EXPECT_EQ(MakeReport(context, Rows(4, 0)).status().code(), absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace limbeck::trainer
