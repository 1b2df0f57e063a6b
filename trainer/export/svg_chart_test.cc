#include "trainer/export/svg_chart.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

namespace limbeck::trainer {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(EscapeHtmlTest, LeavesNothingThatStartsATagOrEndsAnAttribute) {
  EXPECT_EQ(EscapeHtml("<b a='1' c=\"2\">&\x01"), "&lt;b a=&#39;1&#39; c=&quot;2&quot;&gt;&amp;");
}

TEST(LineChartTest, DrawsFinitePointsWithinTheFrame) {
  const std::string chart =
      LineChart("loss", "epoch", {{"train", "s0", {{0, 2}, {1, NAN}, {2, 1}}}});
  EXPECT_THAT(chart, HasSubstr("points=\"52.0,12.0 448.0,111.0\""));
  EXPECT_THAT(chart, Not(HasSubstr("nan")));
}

TEST(LineChartTest, SurvivesNoPointsAndOnePoint) {
  EXPECT_THAT(LineChart("a", "b", {{"x", "s0", {}}}), Not(HasSubstr("inf")));
  EXPECT_THAT(LineChart("a", "b", {{"x", "s0", {{5, 0}}}}), HasSubstr("52.0,210.0"));
}

TEST(ReliabilityChartTest, LeavesEmptyBinsOut) {
  const std::string chart = ReliabilityChart("r", {{0.9, 0.8, 0.5}, {0.1, 0.1, 0}});
  EXPECT_THAT(chart, HasSubstr("confidence 0.900, accuracy 0.800"));
  EXPECT_THAT(chart, Not(HasSubstr("confidence 0.100")));
}

TEST(ConfusionTableTest, EscapesLabelsAndCounts) {
  const std::string table = ConfusionTable("c", {"<a>", "b"}, {3, 1, 0, 4});
  EXPECT_THAT(table, HasSubstr("&lt;a&gt;"));
  EXPECT_THAT(table, HasSubstr("<td class=\"wrong\" style=\"--share:0.250\">1</td>"));
  EXPECT_EQ(ConfusionTable("c", {"a", "b"}, {1}), "");
}

}  // namespace
}  // namespace limbeck::trainer
