#include "trainer/export/report_html.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace limbeck::trainer {
namespace {

using testing::HasSubstr;
using testing::Not;

v1::AcceptanceReport Report() {
  v1::AcceptanceReport report;
  report.set_job_id("job-1");
  report.set_verdict(v1::VERDICT_REJECT);
  report.add_labels("<script>alert(1)</script>");
  report.add_labels("b");
  report.mutable_student()->mutable_accuracy()->set_value(0.8125);
  for (int i = 0; i < 4; ++i) report.mutable_student()->add_confusion(i);
  report.mutable_decision()->set_sentence("macro F1 is 0.1 below & beyond the margin");
  report.mutable_data_facts()->set_train_rows(12345);
  report.mutable_data_facts()->add_teacher_models("\"><img src=x>");
  report.add_warnings("beware of <b>");
  v1::LearningPoint* point = report.add_learning_curve();
  point->set_epoch(1);
  point->set_train_loss(0.5);
  return report;
}

TEST(ReportHtmlTest, ShowsVerdictNumbersAndWarnings) {
  const std::string html = ReportHtml(Report());
  EXPECT_THAT(html, HasSubstr("class=\"verdict reject\"><b>REJECT</b>"));
  EXPECT_THAT(html, HasSubstr("0.812"));
  EXPECT_THAT(html, HasSubstr("12,345 rows"));
  EXPECT_THAT(html, HasSubstr("beware of &lt;b&gt;"));
  EXPECT_THAT(html, HasSubstr("below &amp; beyond"));
}

TEST(ReportHtmlTest, TextOfUsersAndTeachersCannotBecomeMarkup) {
  const std::string html = ReportHtml(Report());
  EXPECT_THAT(html, Not(HasSubstr("<script")));
  EXPECT_THAT(html, Not(HasSubstr("<img")));
}

TEST(ReportHtmlTest, NeedsNothingFromElsewhere) {
  const std::string html = ReportHtml(Report());
  EXPECT_THAT(html, Not(HasSubstr("http://")));
  EXPECT_THAT(html, Not(HasSubstr("https://")));
  EXPECT_THAT(html, Not(HasSubstr("src=\"")));
}

}  // namespace
}  // namespace limbeck::trainer
