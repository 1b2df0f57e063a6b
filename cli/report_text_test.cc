#include "cli/report_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

namespace limbeck::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

v1::AcceptanceReport Report() {
  v1::AcceptanceReport report;
  report.set_verdict(v1::VERDICT_INCONCLUSIVE);
  report.mutable_decision()->set_metric("macro_f1");
  report.mutable_decision()->set_sentence("The interval straddles the margin.");
  report.mutable_decision()->set_rows_needed(1200);
  report.mutable_student()->mutable_accuracy()->set_value(0.912);
  report.mutable_student()->mutable_accuracy()->set_low(0.9);
  report.mutable_student()->mutable_accuracy()->set_high(0.93);
  report.add_labels("animal");
  report.add_labels("plant");
  for (const int rows : {40, 2, 3, 55}) report.mutable_student()->add_confusion(rows);
  report.mutable_student_facts()->set_kind("ngram");
  report.mutable_data_facts()->set_answers_cached(2000);
  report.mutable_data_facts()->add_teacher_models("qwen-0.5b");
  report.add_warnings("small slice");
  return report;
}

TEST(ReportTextTest, PutsTheVerdictFirstAndShowsIntervals) {
  std::ostringstream out;
  PrintReport(Report(), out);
  EXPECT_EQ(out.str().find("verdict     INCONCLUSIVE"), 0u);
  EXPECT_THAT(out.str(), HasSubstr("1,200 more held-out rows would decide"));
  EXPECT_THAT(out.str(), HasSubstr("0.912 [0.900, 0.930]"));
  EXPECT_THAT(out.str(), HasSubstr("2,000 from the cache"));
  EXPECT_THAT(out.str(), HasSubstr("animal          40      2"));
  EXPECT_THAT(out.str(), HasSubstr("warning     small slice"));
}

TEST(ReportTextTest, LeavesOutAMatrixThatDoesNotFitItsLabels) {
  v1::AcceptanceReport report = Report();
  report.add_labels("place");
  std::ostringstream out;
  PrintReport(report, out);
  EXPECT_THAT(out.str(), Not(HasSubstr("gold \\ student")));
}

}  // namespace
}  // namespace limbeck::cli
