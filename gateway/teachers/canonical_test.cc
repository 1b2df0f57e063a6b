#include "gateway/teachers/canonical.h"

#include <gtest/gtest.h>

#include <functional>
#include <set>

#include "base/hash.h"

namespace limbeck::gateway {
namespace {

TeacherConfig Config() {
  TeacherConfig config;
  config.name = "t";
  config.kind = "openai";
  config.base_url = "https://api.example.com/v1";
  config.model = "m";
  return config;
}

TeacherQuery Query() {
  TeacherQuery query;
  query.messages = {{Role::kSystem, "be brief"}, {Role::kUser, "hello"}};
  return query;
}

TEST(CanonicalTest, EveryFieldThatChangesTheAnswerChangesTheBytes) {
  const std::vector<std::function<void(TeacherConfig&, TeacherQuery&)>> changes = {
      [](auto& c, auto&) { c.kind = "anthropic"; },
      [](auto& c, auto&) { c.base_url = "https://api.example.com/v2"; },
      [](auto& c, auto&) { c.model = "n"; },
      [](auto& c, auto&) { c.revision = "2"; },
      [](auto&, auto& q) { q.sampling.temperature = 0.5; },
      [](auto&, auto& q) { q.sampling.top_p = 1.0; },
      [](auto&, auto& q) { q.sampling.max_tokens = 7; },
      [](auto&, auto& q) { q.sampling.seed = 0; },
      [](auto&, auto& q) { q.sampling.stop = {"x"}; },
      [](auto&, auto& q) {
        q.sampling.stop = {"x", ""};
      },
      [](auto&, auto& q) { q.messages[0].role = Role::kUser; },
      [](auto&, auto& q) { q.messages[1].content = "hello "; },
      [](auto&, auto& q) { q.messages.pop_back(); },
      [](auto&, auto& q) { q.response_schema = "{}"; },
      [](auto&, auto& q) { q.sample_index = 1; },
      [](auto&, auto& q) {
        q.choices = {"a", "b"};
      },
      [](auto&, auto& q) { q.choices = {"ab"}; },
      [](auto&, auto& q) { q.continuation = "a"; },
      [](auto& c, auto&) { c.deployment = "d"; },
      [](auto& c, auto&) { c.api_version = "d"; },
      [](auto& c, auto&) { c.profile = "d"; },
      [](auto& c, auto&) { c.custom_profile = CompatibleProfile(); },
      [](auto& c, auto&) {
        c.custom_profile = CompatibleProfile();
        c.custom_profile->extra_body = "{}";
      },
      [](auto& c, auto&) { c.enforce_distillable_text = true; },
  };
  std::set<std::string> seen = {CanonicalRequest(Config(), Query())};
  for (size_t i = 0; i < changes.size(); ++i) {
    TeacherConfig config = Config();
    TeacherQuery query = Query();
    changes[i](config, query);
    EXPECT_TRUE(seen.insert(CanonicalRequest(config, query)).second) << "change " << i;
  }
}

TEST(CanonicalTest, TextCannotMoveBetweenMessages) {
  TeacherQuery query = Query();
  query.messages = {{Role::kUser, "ab"}, {Role::kUser, "c"}};
  const std::string first = CanonicalRequest(Config(), query);
  query.messages = {{Role::kUser, "a"}, {Role::kUser, "bc"}};
  EXPECT_NE(CanonicalRequest(Config(), query), first);
}

TEST(CanonicalTest, WhatDoesNotChangeTheAnswerIsLeftOut) {
  TeacherConfig config = Config();
  TeacherQuery query = Query();
  config.name = "other";
  config.base_url = "HTTPS://API.example.com:443/v1/";
  config.api_key = Secret("k");
  config.limits.requests_per_minute = 5;
  config.stream = true;
  query.top_logprobs = 20;
  query.sampling.temperature = 1;
  EXPECT_EQ(CanonicalRequest(config, query), CanonicalRequest(Config(), Query()));
}

TEST(CanonicalTest, NegativeZeroIsZero) {
  TeacherQuery query = Query();
  query.sampling.temperature = 0.0;
  const std::string zero = CanonicalRequest(Config(), query);
  query.sampling.temperature = -0.0;
  EXPECT_EQ(CanonicalRequest(Config(), query), zero);
}

// The format is a promise to every cache in use: this value may change only with kFormat.
TEST(CanonicalTest, GoldenBytes) {
  EXPECT_EQ(Sha256Hex(CanonicalRequest(Config(), Query())),
            "d23430e6c3049b2f675f1a4e1f478abb01b9ef706586af6e8d81310eec3c03f2");
}

TEST(CanonicalTest, IdempotencyKeysDifferByCandidatesAndSample) {
  TeacherQuery query = Query();
  const std::string first = IdempotencyKey(Config(), query);
  EXPECT_EQ(IdempotencyKey(Config(), query), first);
  query.top_logprobs = 5;
  EXPECT_NE(IdempotencyKey(Config(), query), first);
}

}  // namespace
}  // namespace limbeck::gateway
