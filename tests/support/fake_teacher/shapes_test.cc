// Each provider kind, as the gateway really asks it, against the fake teacher in that kind's wire
// shape: whatever the shape, the same question has the same answer and the same faults.
#include "tests/support/fake_teacher/shapes.h"

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <ostream>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "gateway/dispatch/teacher_client.h"
#include "gateway/teachers/registry.h"
#include "tests/support/fake_teacher/fake_teacher.h"

namespace limbeck::testing {
namespace {

using gateway::Failure;
using gateway::FailureClass;

constexpr const char* kKey = "sk-test";
constexpr const char* kQuestion = "Is this a good day? Answer with one of: yes, no.";

struct Way {
  std::string kind;
  bool stream = false;
};

std::ostream& operator<<(std::ostream& out, const Way& way) {
  return out << way.kind << (way.stream ? "_stream" : "");
}

// One teacher, its client and what they need.
class Asked {
 public:
  Asked(const Way& way, const std::string& script) {
    FakeTeacherOptions options;
    options.kind = way.kind;
    options.script = ParseScript(script).value();
    options.script.api_key = kKey;
    teacher_ = FakeTeacher::Start(options).value();
    config_.name = "fake";
    config_.kind = way.kind;
    config_.base_url = teacher_->base_url();
    config_.model = "m";
    config_.api_key = Secret(kKey);
    config_.stream = way.stream;
    if (way.kind == "azure") config_.api_version = "2024-10-21";
    if (way.kind == "openai_compatible") config_.profile = "deepseek";
    provider_ = gateway::FindProvider(way.kind).value();
  }

  gateway::TeacherConfig* config() { return &config_; }
  gateway::Capabilities can() const { return provider_->CapabilitiesFor(config_); }
  size_t served() const { return teacher_->invoice().size(); }

  // With logprobs where the kind has them.
  gateway::TeacherQuery Query(const std::string& user) const {
    gateway::TeacherQuery query;
    query.messages = {{gateway::Role::kSystem, "You judge days."}, {gateway::Role::kUser, user}};
    query.sampling.temperature = 0;
    query.sampling.max_tokens = 40;
    query.top_logprobs = can().logprobs ? 5 : 0;
    return query;
  }

  // One try.
  gateway::CallOutcome Ask(gateway::TeacherQuery query) {
    gateway::QuotaPool pool({}, Clock::Real());
    gateway::TeacherClientOptions options;
    options.dispatch.retry.max_tries = 1;
    options.dispatch.retry.max_rate_limited_tries = 1;
    options.dispatch.retry.max_garbled_tries = 1;
    const auto client =
        gateway::TeacherClient::Create(config_, provider_, &pool, transport_.get(), options);
    gateway::CallOutcome result;
    absl::Notification done;
    gateway::Call call;
    call.query = std::move(query);
    call.done = [&](gateway::CallOutcome outcome) {
      result = std::move(outcome);
      done.Notify();
    };
    const absl::Status asked = client->Ask(std::move(call));
    EXPECT_TRUE(asked.ok()) << asked;
    if (asked.ok()) done.WaitForNotification();
    return result;
  }

  // The failure of a query that must not succeed.
  Failure Fail(const std::string& user = kQuestion) {
    const gateway::CallOutcome outcome = Ask(Query(user));
    if (!outcome.ok()) return std::get<Failure>(outcome.result);
    ADD_FAILURE() << std::get<cache::SoftOutput>(outcome.result).text;
    return {};
  }

 private:
  std::unique_ptr<FakeTeacher> teacher_;
  gateway::TeacherConfig config_;
  const gateway::Provider* provider_ = nullptr;
  std::unique_ptr<http::Transport> transport_ = http::NewCurlTransport({}).value();
};

cache::SoftOutput AnswerOf(const gateway::CallOutcome& outcome) {
  if (outcome.ok()) return std::get<cache::SoftOutput>(outcome.result);
  ADD_FAILURE() << std::get<Failure>(outcome.result).message;
  return {};
}

void ExpectSameCandidates(const cache::Token& a, const cache::Token& b) {
  EXPECT_EQ(a.bytes, b.bytes);
  ASSERT_TRUE(a.logprob.has_value() && b.logprob.has_value());
  EXPECT_FLOAT_EQ(*a.logprob, *b.logprob);
  ASSERT_EQ(a.candidates.size(), b.candidates.size());
  for (size_t i = 0; i < a.candidates.size(); ++i) {
    EXPECT_EQ(a.candidates[i].bytes, b.candidates[i].bytes);
    EXPECT_FLOAT_EQ(a.candidates[i].logprob, b.candidates[i].logprob);
  }
}

void ExpectSameTokens(const cache::SoftOutput& a, const cache::SoftOutput& b) {
  ASSERT_EQ(a.tokens.size(), b.tokens.size());
  for (size_t i = 0; i < a.tokens.size(); ++i) ExpectSameCandidates(a.tokens[i], b.tokens[i]);
}

void ExpectSame(const cache::SoftOutput& a, const cache::SoftOutput& b) {
  EXPECT_EQ(a.text, b.text);
  EXPECT_EQ(a.finish_reason, b.finish_reason);
  EXPECT_EQ(a.usage.input_tokens, b.usage.input_tokens);
  EXPECT_EQ(a.usage.output_tokens, b.usage.output_tokens);
  if (a.support == cache::Support::kTextOnly || b.support == cache::Support::kTextOnly) return;
  ExpectSameTokens(a, b);
}

class EveryKindTest : public ::testing::TestWithParam<Way> {
 protected:
  static constexpr const char* kScript = R"({"keywords": {"good": "yes"}, "softness": 2})";
};

TEST_P(EveryKindTest, LabelsHaveTheSameDistribution) {
  Asked reference({"openai"}, kScript);
  Asked asked(GetParam(), kScript);
  const cache::SoftOutput answer = AnswerOf(asked.Ask(asked.Query(kQuestion)));
  EXPECT_EQ(answer.text, "yes");
  EXPECT_EQ(answer.support,
            asked.can().logprobs ? cache::Support::kTopK : cache::Support::kTextOnly);
  ExpectSame(answer, AnswerOf(reference.Ask(reference.Query(kQuestion))));
  EXPECT_EQ(asked.served(), 1u);
}

TEST_P(EveryKindTest, FreeTextIsTheSameAndWhole) {
  Asked reference({"openai"}, kScript);
  Asked asked(GetParam(), kScript);
  for (const char* const user : {"Write something", "Write on", "Say a few words", "And more"}) {
    const cache::SoftOutput answer = AnswerOf(asked.Ask(asked.Query(user)));
    EXPECT_EQ(answer.text, AnswerOf(reference.Ask(reference.Query(user))).text);
    EXPECT_FALSE(answer.text.empty());
  }
}

TEST_P(EveryKindTest, MoneyAndKeysStopTheTeacher) {
  Asked unpaid(GetParam(), R"({"faults": [{"kind": "billing"}]})");
  EXPECT_EQ(unpaid.Fail().cls, FailureClass::kStopTeacher);
  Asked stranger(GetParam(), "{}");
  stranger.config()->api_key = Secret("sk-wrong");
  EXPECT_EQ(stranger.Fail().cls, FailureClass::kStopTeacher);
  EXPECT_EQ(stranger.served(), 0u);
}

TEST_P(EveryKindTest, WaitsAreReadWhereTheProviderPutsThem) {
  Asked busy(GetParam(), R"({"faults": [{"kind": "rate_limited", "retry_after": "7"}]})");
  const Failure failure = busy.Fail();
  EXPECT_EQ(failure.cls, FailureClass::kRateLimited) << failure.message;
  EXPECT_EQ(failure.wait_hint, absl::Seconds(7));
  EXPECT_FALSE(failure.may_have_been_billed);
  EXPECT_EQ(busy.served(), 0u);
}

TEST_P(EveryKindTest, FaultsOfTheServerMayPass) {
  Asked broken(GetParam(), R"({"faults": [{"kind": "status", "status": 500}]})");
  EXPECT_EQ(broken.Fail().cls, FailureClass::kRetryable);
  Asked busy(GetParam(), R"({"faults": [{"kind": "status", "status": 503}]})");
  const Failure failure = busy.Fail();
  EXPECT_EQ(failure.cls, FailureClass::kRetryable);
  EXPECT_FALSE(failure.may_have_been_billed);
}

TEST_P(EveryKindTest, CutAnswersAreFailuresThatMayHaveBeenBilled) {
  for (const char* const kind : {"close_mid", "reset_mid", "reset_before", "truncated_json",
                                 "malformed_json", "error_in_200"}) {
    Asked cut(GetParam(), absl::StrCat(R"({"faults": [{"kind": ")", kind, R"("}]})"));
    EXPECT_TRUE(cut.Fail().may_have_been_billed) << kind;
    EXPECT_EQ(cut.served(), 1u) << kind;
  }
}

std::vector<Way> Ways() {
  std::vector<Way> ways;
  for (const std::string_view kind : gateway::ProviderKinds()) {
    ways.push_back({std::string(kind), false});
    ways.push_back({std::string(kind), true});
  }
  return ways;
}

INSTANTIATE_TEST_SUITE_P(Kinds, EveryKindTest, ::testing::ValuesIn(Ways()), [](const auto& info) {
  return info.param.kind + (info.param.stream ? "_stream" : "");
});

TEST(ShapesTest, EveryProviderKindHasAShape) {
  EXPECT_EQ(ShapeKinds(), gateway::ProviderKinds());
  EXPECT_FALSE(FindShape("carrier pigeon").ok());
}

TEST(ShapesTest, TextsAreScoredAlikeWhereTheyCanBe) {
  std::map<std::string, cache::SoftOutput> scored;
  for (const char* const kind : {"openai_completions", "vllm"}) {
    Asked asked({kind}, R"({"keywords": {"good": "yes"}})");
    gateway::TeacherQuery query = asked.Query(kQuestion);
    query.continuation = " yes or no";
    scored[kind] = AnswerOf(asked.Ask(query));
    EXPECT_EQ(scored[kind].tokens.size(), 3u);
    EXPECT_EQ(scored[kind].tokens[0].bytes, " yes");
  }
  ExpectSameTokens(scored["vllm"], scored["openai_completions"]);
}

TEST(ShapesTest, ChoicesAreTheOnlyAnswers) {
  for (const char* const kind : {"gemini", "llamacpp", "vertex", "vllm"}) {
    Asked asked({kind}, "{}");
    gateway::TeacherQuery query = asked.Query("Which one?");
    query.choices = {"left \"hand\"", "right"};
    const std::string text = AnswerOf(asked.Ask(query)).text;
    EXPECT_TRUE(text == query.choices[0] || text == query.choices[1]) << kind << ": " << text;
  }
}

TEST(ShapesTest, SchemasAreFollowed) {
  for (const std::string_view kind : gateway::ProviderKinds()) {
    Asked asked({std::string(kind)}, "{}");
    if (!asked.can().schema) continue;
    gateway::TeacherQuery query = asked.Query(kQuestion);
    query.response_schema =
        R"({"type": "object", "properties": {"label": {"enum": ["yes", "no"]}}})";
    const std::string text = AnswerOf(asked.Ask(query)).text;
    EXPECT_TRUE(text == R"({"label":"yes"})" || text == R"({"label":"no"})") << kind << text;
  }
}

}  // namespace
}  // namespace limbeck::testing
