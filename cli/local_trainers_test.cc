#include "cli/local_trainers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace limbeck::cli {
namespace {

using ::testing::ElementsAre;

TEST(LocalTrainersTest, ShareProcessorsAndHaveFoldersOfTheirOwn) {
  const auto trainers = LocalTrainers({.program = "/bin/limbeck-trainer",
                                       .gateway = "127.0.0.1:7400",
                                       .work_dir = "/data/trainers",
                                       .count = 2,
                                       .processors = 8});
  ASSERT_EQ(trainers.size(), 2u);
  EXPECT_EQ(trainers[0].path, "/bin/limbeck-trainer");
  EXPECT_THAT(trainers[1].arguments,
              ElementsAre("work", "--gateway", "127.0.0.1:7400", "--worker-id", "trainer-2",
                          "--work-dir", "/data/trainers/trainer-2", "--threads", "4"));
}

TEST(LocalTrainersTest, EachHasAThreadHoweverManyThereAre) {
  const auto trainers = LocalTrainers({.count = 3, .processors = 1});
  EXPECT_EQ(trainers[2].arguments.back(), "1");
  EXPECT_TRUE(LocalTrainers({.count = 0}).empty());
}

}  // namespace
}  // namespace limbeck::cli
