#include "tests/support/fake_teacher/fake_teacher.h"

#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/http/transport.h"

namespace limbeck::testing {
namespace {

using nlohmann::json;

class FakeTeacherTest : public ::testing::Test {
 protected:
  void Start(const std::string& script, const std::string& kind = "openai") {
    options_.kind = kind;
    options_.script = ParseScript(script).value();
    teacher_ = FakeTeacher::Start(options_).value();
  }

  http::Outcome Ask(const json& body, const std::string& key = "",
                    const std::string& path = "/chat/completions") {
    http::Request request;
    request.url = teacher_->base_url() + path;
    request.body = body.dump();
    if (!key.empty()) request.headers = {{"Idempotency-Key", key}};
    http::Outcome result;
    absl::Notification done;
    transport_->Start(std::move(request), [&](http::Outcome outcome) {
      result = std::move(outcome);
      done.Notify();
    });
    done.WaitForNotification();
    return result;
  }

  static json Question(const std::string& text) {
    return {{"model", "m"},     {"messages", {{{"role", "user"}, {"content", text}}}},
            {"max_tokens", 8},  {"temperature", 0},
            {"logprobs", true}, {"top_logprobs", 3}};
  }

  FakeTeacherOptions options_;
  std::unique_ptr<FakeTeacher> teacher_;
  std::unique_ptr<http::Transport> transport_ = http::NewCurlTransport({}).value();
};

TEST_F(FakeTeacherTest, AnswersWithLearnableLogprobs) {
  Start(R"({"labels": ["yes", "no"], "keywords": {"good": "yes"}})");
  const http::Outcome outcome = Ask(Question("a good day"));
  ASSERT_EQ(outcome.response.status_code, 200) << outcome.status;
  const json choice = json::parse(outcome.response.body)["choices"][0];
  EXPECT_EQ(choice["message"]["content"], "yes");
  const json token = choice["logprobs"]["content"][0];
  EXPECT_EQ(token["top_logprobs"].size(), 3u);
  EXPECT_GT(std::exp(token["logprob"].get<double>()), 0.5);
  EXPECT_EQ(token["bytes"], json({121, 101, 115}));
}

TEST_F(FakeTeacherTest, GeneratesTextWhereNoLabelsAreNamed) {
  Start("{}");
  json question = Question("Write something");
  question["max_tokens"] = 40;
  const json first = json::parse(Ask(question).response.body);
  EXPECT_GT(first["choices"][0]["logprobs"]["content"].size(), 4u);
  EXPECT_EQ(first, json::parse(Ask(question).response.body));
}

TEST_F(FakeTeacherTest, AnthropicVotesFollowTheIdempotencyKey) {
  Start(R"({"labels": ["yes", "no"], "softness": 50})", "anthropic");
  const json question = {
      {"model", "m"}, {"max_tokens", 5}, {"messages", {{{"role", "user"}, {"content", "hm"}}}}};
  std::map<std::string, int> votes;
  for (int i = 0; i < 40; ++i) {
    const std::string key = absl::StrCat("k", i);
    const json first = json::parse(Ask(question, key, "/messages").response.body);
    ++votes[first["content"][0]["text"].get<std::string>()];
    EXPECT_EQ(json::parse(Ask(question, key, "/messages").response.body), first);
  }
  EXPECT_GE(votes["yes"], 8);
  EXPECT_GE(votes["no"], 8);
}

TEST_F(FakeTeacherTest, InvoiceHoldsWhatWasServedBeforeItIsAnswered) {
  ScopedTempDirectory directory;
  options_.invoice_path = (directory.path() / "invoice").string();
  Start(R"({"faults": [{"kind": "rate_limited", "when_contains": "busy", "retry_after": "2"},
                       {"kind": "reset_before", "when_contains": "die"}]})");
  EXPECT_EQ(Ask(Question("busy")).response.header("retry-after"), "2");
  EXPECT_EQ(Ask(Question("die")).delivery, http::Delivery::kUnknown);
  EXPECT_EQ(Ask(Question("live"), "key-1").response.status_code, 200);
  const std::vector<InvoiceLine> lines = ReadInvoice(options_.invoice_path).value();
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_EQ(lines[0].note, "reset_before");
  EXPECT_EQ(lines[1].key, Sha256Hex(Question("live").dump()));
  EXPECT_EQ(lines[1].idempotency_key, "key-1");
  EXPECT_EQ(lines, teacher_->invoice());
}

TEST_F(FakeTeacherTest, FaultsEndAfterTheirFirstAttempts) {
  Start(R"({"faults": [{"kind": "status", "status": 503, "first_attempts": 2}]})");
  EXPECT_EQ(Ask(Question("x")).response.status_code, 503);
  EXPECT_EQ(Ask(Question("x")).response.status_code, 503);
  EXPECT_EQ(Ask(Question("x")).response.status_code, 200);
  EXPECT_EQ(Ask(Question("y")).response.status_code, 503);
}

TEST_F(FakeTeacherTest, RatiosHoldOverManyRequests) {
  const Script script =
      ParseScript(R"({"faults": [{"kind": "garbage", "ratio": 0.25}], "seed": 3})").value();
  int faults = 0;
  std::vector<std::string> bodies;
  for (int i = 0; i < 4000; ++i) {
    bodies.push_back(absl::StrCat("body ", i));
    faults += ChooseFault(script, {.body = bodies.back()}).kind == FaultKind::kGarbage;
  }
  EXPECT_NEAR(faults, 1000, 120);
}

TEST_F(FakeTeacherTest, BadRequestsAndScriptsAreNamed) {
  Start("{}");
  EXPECT_EQ(Ask(json::array()).response.status_code, 400);
  EXPECT_EQ(Ask(Question("x"), "", "/nothing").response.status_code, 404);
  EXPECT_TRUE(teacher_->invoice().empty());
  EXPECT_FALSE(ParseScript(R"({"faults": [{"kind": "meteor"}]})").ok());
  EXPECT_FALSE(ParseScript(R"({"latency": 5})").ok());
  EXPECT_FALSE(ParseScript("[").ok());
}

TEST_F(FakeTeacherTest, StaticAnswerIsSentAsIs) {
  options_.static_answer = R"({"ok":true})";
  teacher_ = FakeTeacher::Start(options_).value();
  EXPECT_EQ(Ask(Question("x")).response.body, options_.static_answer);
}

}  // namespace
}  // namespace limbeck::testing
