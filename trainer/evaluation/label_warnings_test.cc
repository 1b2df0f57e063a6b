#include "trainer/evaluation/label_warnings.h"

#include <gtest/gtest.h>

#include "absl/strings/match.h"

namespace limbeck::trainer {
namespace {

TEST(LabelWarningsTest, StatedNumbersSayHowTheyWereCalibrated) {
  v1::JobSpec spec;
  auto* fit = spec.mutable_task()->mutable_classify()->mutable_calibration();
  fit->set_temperature(1.75);
  fit->set_gold_rows(40);
  fit->set_loss_before(0.5);
  fit->set_loss_after(0.25);
  v1::AcceptanceReport report;
  report.mutable_data_facts()->set_label_source("verbalised");
  AddLabelWarnings(spec, {}, &report);
  ASSERT_EQ(report.warnings_size(), 1);
  EXPECT_TRUE(absl::StrContains(report.warnings(0), "temperature 1.750 on 40 validation rows"));
  fit->Clear();
  fit->set_gold_rows(3);
  AddLabelWarnings(spec, {}, &report);
  EXPECT_TRUE(absl::StrContains(report.warnings(1), "only 3 validation rows have gold"));
}

TEST(LabelWarningsTest, MissingLabelsAreNamedWhereTheyMayMatter) {
  v1::AcceptanceReport report;
  report.mutable_data_facts()->set_label_source("top_k");
  AddLabelWarnings({}, {.rows = 9, .mean_bound = 0.001}, &report);
  EXPECT_EQ(report.warnings_size(), 0);
  AddLabelWarnings({}, {.rows = 9, .mean_bound = 0.04}, &report);
  ASSERT_EQ(report.warnings_size(), 1);
  EXPECT_TRUE(absl::StrContains(report.warnings(0), "up to 0.040"));
}

}  // namespace
}  // namespace limbeck::trainer
