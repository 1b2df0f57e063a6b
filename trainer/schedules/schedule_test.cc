#include "trainer/schedules/schedule.h"

#include <gtest/gtest.h>

namespace limbeck::trainer {
namespace {

TEST(ScheduleTest, MeetsBothEnds) {
  for (const ScheduleShape shape : {ScheduleShape::kLinear, ScheduleShape::kCosine}) {
    const Schedule schedule{5.0, 1.0, shape};
    EXPECT_DOUBLE_EQ(ValueAt(schedule, 0.0), 5.0);
    EXPECT_DOUBLE_EQ(ValueAt(schedule, 0.5), 3.0);
    EXPECT_DOUBLE_EQ(ValueAt(schedule, 1.0), 1.0);
    EXPECT_DOUBLE_EQ(ValueAt(schedule, 7.0), 1.0);
    EXPECT_DOUBLE_EQ(ValueAt(schedule, -1.0), 5.0);
  }
}

TEST(ScheduleTest, CosineIsSlowAtBothEnds) {
  const Schedule linear{0.0, 1.0, ScheduleShape::kLinear};
  const Schedule cosine{0.0, 1.0, ScheduleShape::kCosine};
  EXPECT_LT(ValueAt(cosine, 0.1), ValueAt(linear, 0.1));
  EXPECT_GT(ValueAt(cosine, 0.9), ValueAt(linear, 0.9));
}

TEST(ScheduleTest, ConstantIgnoresTheEnd) {
  EXPECT_DOUBLE_EQ(ValueAt({2.0, 9.0, ScheduleShape::kConstant}, 0.7), 2.0);
}

TEST(LearningRateShareTest, WarmsUpThenFalls) {
  EXPECT_DOUBLE_EQ(LearningRateShare(0, 100, 0.05), 0.2);
  EXPECT_DOUBLE_EQ(LearningRateShare(4, 100, 0.05), 1.0);
  EXPECT_DOUBLE_EQ(LearningRateShare(5, 100, 0.05), 1.0);
  EXPECT_NEAR(LearningRateShare(52, 100, 0.05), 0.5, 0.02);
  for (uint64_t step = 5; step < 99; ++step) {
    EXPECT_GT(LearningRateShare(step, 100, 0.05), LearningRateShare(step + 1, 100, 0.05));
  }
  EXPECT_GT(LearningRateShare(99, 100, 0.05), 0.0);
}

TEST(LearningRateShareTest, StandsExtremes) {
  EXPECT_DOUBLE_EQ(LearningRateShare(0, 1, 0.0), 1.0);
  EXPECT_DOUBLE_EQ(LearningRateShare(9, 10, 1.0), 1.0);
  EXPECT_DOUBLE_EQ(LearningRateShare(0, 10, 0.0), 1.0);
}

}  // namespace
}  // namespace limbeck::trainer
