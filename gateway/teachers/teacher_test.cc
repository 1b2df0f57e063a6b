#include "gateway/teachers/teacher.h"

#include <gtest/gtest.h>

#include <cmath>

namespace limbeck::gateway {
namespace {

TeacherConfig Config() {
  TeacherConfig config;
  config.name = "t";
  config.model = "m";
  config.base_url = "http://127.0.0.1:1/v1";
  return config;
}

TEST(CheckTeacherTest, AGoodConfigurationHasNoViolations) {
  EXPECT_TRUE(CheckTeacher(Config(), "teachers[0]").empty());
}

TEST(CheckTeacherTest, NamesEveryBadFieldAtOnce) {
  TeacherConfig config;
  config.base_url = "ftp://x";
  config.input_micro_usd_per_million = -1;
  config.training_use = TrainingUse();
  config.timeouts.total = absl::ZeroDuration();
  const std::vector<FieldViolation> violations = CheckTeacher(config, "teachers[0]");
  EXPECT_EQ(violations.size(), 6u);
  EXPECT_EQ(violations[0].field, "teachers[0].name");
}

TEST(CheckTeacherTest, KeysInTheUrlAreRefused) {
  TeacherConfig config = Config();
  for (const char* url : {"https://key@host/v1", "https://host/v1?key=1", "https://host/v1 "}) {
    config.base_url = url;
    EXPECT_EQ(CheckTeacher(config, "t").size(), 1u) << url;
  }
}

TEST(CheckQueryTest, RefusesWhatTheTeacherCannotDoBeforeItCosts) {
  TeacherQuery query;
  query.messages = {{Role::kUser, "x"}};
  const Capabilities can = {.logprobs = true, .seed = false, .max_top_logprobs = 50};
  EXPECT_TRUE(CheckQuery(Config(), can, query).empty());
  query.top_logprobs = 21;
  query.sampling.seed = 1;
  query.sampling.temperature = std::nan("");
  query.sampling.top_p = 0.0;
  query.sampling.max_tokens = 0;
  query.messages.clear();
  query.response_schema = "{}";
  query.choices = {"yes"};
  query.continuation = "yes";
  EXPECT_EQ(CheckQuery(Config(), can, query).size(), 9u);
}

}  // namespace
}  // namespace limbeck::gateway
