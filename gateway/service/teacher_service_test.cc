#include "gateway/service/teacher_service.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "absl/synchronization/notification.h"
#include "gateway/service/service_test_node.h"
#include "gateway/service/teacher_capability.h"

namespace limbeck::gateway {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* kAnswer = R"({
  "model": "m-2026", "system_fingerprint": "fp_1",
  "choices": [{"index": 0, "finish_reason": "stop",
    "message": {"role": "assistant", "content": "Yes"},
    "logprobs": {"content": [{"token": "Yes", "bytes": [89, 101, 115], "logprob": -0.1,
      "top_logprobs": [{"token": "Yes", "bytes": [89, 101, 115], "logprob": -0.1},
                       {"token": "No", "bytes": [78, 111], "logprob": -2.5}]}]}}],
  "usage": {"prompt_tokens": 9, "completion_tokens": 1}})";

class TeacherServiceTest : public ::testing::Test {
 protected:
  v1::ListTeachersResponse List(bool trainable_only = false) {
    v1::ListTeachersRequest request;
    request.set_trainable_only(trainable_only);
    v1::ListTeachersResponse response;
    const absl::Status status =
        Call(*stub_, &v1::TeacherService::Stub::ListTeachers, request, &response);
    EXPECT_TRUE(status.ok()) << status;
    return response;
  }
  absl::Status Probe(const std::string& name, v1::TeacherCapability* seen,
                     std::optional<int64_t> max_micro_usd = std::nullopt) {
    v1::ProbeTeacherRequest request;
    request.set_name(name);
    if (max_micro_usd.has_value()) request.set_max_micro_usd(*max_micro_usd);
    return Call(*stub_, &v1::TeacherService::Stub::ProbeTeacher, request, seen);
  }

  ServiceTestNode node_;
  const std::unique_ptr<v1::TeacherService::Stub> stub_ =
      v1::TeacherService::NewStub(node_.channel());
};

TEST_F(TeacherServiceTest, ListsTeachersWithoutTheirKeys) {
  const v1::ListTeachersResponse response = List();
  ASSERT_EQ(response.teachers_size(), 2);
  EXPECT_EQ(response.teachers(0).name(), "closed");
  EXPECT_FALSE(response.teachers(0).trainable());
  EXPECT_EQ(response.teachers(1).name(), "open");
  EXPECT_TRUE(response.teachers(1).trainable());
  EXPECT_EQ(response.teachers(1).training_use_basis(), "own model");
  EXPECT_EQ(response.teachers(1).host(), "teacher.example");
  EXPECT_EQ(response.teachers(1).output_micro_usd_per_million(), 1'000'000);
  EXPECT_FALSE(response.teachers(1).has_capability());
  EXPECT_THAT(response.DebugString(), Not(HasSubstr(kTestKey)));
}

TEST_F(TeacherServiceTest, ListsTrainableTeachersAlone) {
  const v1::ListTeachersResponse response = List(true);
  ASSERT_EQ(response.teachers_size(), 1);
  EXPECT_EQ(response.teachers(0).name(), "open");
}

TEST_F(TeacherServiceTest, AStoppedTeacherIsListedWithTheReason) {
  TeacherClient* client = node_.jobs().context().teachers->at("open").client;
  EXPECT_FALSE(List().teachers(1).state().has_stop());
  node_.transport().AddReply(http::Answer(
      429, R"({"error":{"message":"You exceeded your quota","code":"insufficient_quota"}})"));
  // Named so, as the tests' own Call hides it.
  struct Call call;
  call.query.messages = {{Role::kUser, "hello"}};
  absl::Notification ended;
  call.done = [&](const CallOutcome&) { ended.Notify(); };
  ASSERT_TRUE(client->Ask(std::move(call)).ok());
  ended.WaitForNotification();
  const v1::ListTeachersResponse response = List();
  const v1::TeacherState& state = response.teachers(1).state();
  EXPECT_EQ(state.stop().reason(), "insufficient_quota");
  EXPECT_THAT(state.stop().message(), HasSubstr("exceeded your quota"));
  EXPECT_FALSE(response.teachers(0).state().has_stop());
  EXPECT_TRUE(response.teachers(1).sells_by_batch());
  EXPECT_EQ(response.teachers(1).batch_price_percent(), 50u);
}

TEST_F(TeacherServiceTest, ProbeReportsAndKeepsWhatTheTeacherGives) {
  v1::PlanTeacherProbeRequest request;
  request.set_name("open");
  v1::TeacherProbePlan plan;
  ASSERT_TRUE(Call(*stub_, &v1::TeacherService::Stub::PlanTeacherProbe, request, &plan).ok());
  EXPECT_GT(plan.max_micro_usd(), 0);
  EXPECT_TRUE(node_.transport().requests().empty());
  for (uint32_t i = 0; i < plan.calls(); ++i) {
    http::Outcome answer = http::Answer(200, kAnswer);
    answer.response.headers.push_back({"X-RateLimit-Limit-Requests", "500"});
    node_.transport().AddReply(std::move(answer));
  }
  node_.transport().AddReply(
      http::Answer(200, R"({"data":[{"id":"m","shutdown_date":"2031-01-31"}]})"));
  v1::TeacherCapability seen;
  const absl::Status status = Probe("open", &seen);
  ASSERT_TRUE(status.ok()) << status;
  EXPECT_EQ(seen.support(), v1::SUPPORT_TOP_K);
  EXPECT_EQ(seen.max_top_logprobs(), 2u);
  EXPECT_TRUE(seen.gives_bytes());
  EXPECT_FALSE(seen.gives_token_ids());
  EXPECT_EQ(seen.model(), "m-2026");
  EXPECT_EQ(seen.fingerprint(), "fp_1");
  EXPECT_GT(seen.probe_time().seconds(), 0);
  ASSERT_EQ(node_.transport().requests().size(), plan.calls() + 1);
  EXPECT_EQ(node_.transport().requests().back().method, "GET");
  EXPECT_TRUE(node_.transport().requests().back().url.ends_with("/models"));
  EXPECT_EQ(seen.calls(), plan.calls());
  EXPECT_EQ(seen.retires_on(), "2031-01-31");
  ASSERT_EQ(seen.rate_headers_size(), 1);
  EXPECT_EQ(seen.rate_headers(0).name(), "x-ratelimit-limit-requests");
  EXPECT_EQ(seen.rate_headers(0).limit(), 500);
  EXPECT_TRUE(seen.has_gives_several_answers());
  EXPECT_FALSE(seen.gives_several_answers());  // One came where two were asked for.
  EXPECT_TRUE(seen.repeats_at_zero());
  EXPECT_FALSE(seen.has_honours_seed());  // Each seed gave the same text.
  EXPECT_FALSE(seen.follows_schema());
  EXPECT_EQ(seen.logprob_stage(), v1::LOGPROB_STAGE_BEFORE_TEMPERATURE);
  EXPECT_GT(seen.micro_usd(), 0);
  EXPECT_LE(seen.micro_usd(), plan.max_micro_usd());
  EXPECT_EQ(List().teachers(1).capability().SerializeAsString(), seen.SerializeAsString());
}

TEST_F(TeacherServiceTest, JobsAreCheckedAgainstWhatAProbeSaw) {
  TeacherFacts facts = {.name = "open",
                        .gives_top_logprobs = true,
                        .max_top_logprobs = 20,
                        .scores_continuations = true,
                        .follows_schema = true,
                        .holds_to_choices = true,
                        .max_answers_per_call = 8};
  const absl::Time kNow = absl::FromCivil(absl::CivilDay(2026, 11, 24), absl::UTCTimeZone());
  v1::TeacherCapability seen;
  seen.mutable_probe_time()->set_seconds(1'795'478'400);
  seen.set_support(v1::SUPPORT_TOP_K);
  seen.set_max_top_logprobs(5);
  seen.set_follows_schema(false);
  seen.set_holds_to_choices(false);
  ApplyCapability(seen, kNow, &facts);
  EXPECT_EQ(facts.probed_on, "2026-11-24");
  EXPECT_EQ(facts.max_top_logprobs, 5u);
  EXPECT_TRUE(facts.gives_top_logprobs);
  EXPECT_TRUE(facts.scores_continuations);  // Not asked: the configuration holds.
  EXPECT_FALSE(facts.follows_schema);
  EXPECT_FALSE(facts.holds_to_choices);
  EXPECT_TRUE(facts.honours_seed);
  EXPECT_EQ(facts.answers_per_call, 1u);
  EXPECT_EQ(facts.retired_on, "");
  seen.set_honours_seed(false);
  seen.set_gives_several_answers(true);
  seen.set_logprob_stage(v1::LOGPROB_STAGE_AFTER_TEMPERATURE);
  seen.set_retires_on("2026-11-24");
  ApplyCapability(seen, kNow, &facts);
  EXPECT_FALSE(facts.honours_seed);
  EXPECT_EQ(facts.answers_per_call, 8u);
  EXPECT_TRUE(facts.logprobs_after_temperature);
  EXPECT_EQ(facts.retired_on, "2026-11-24");
  seen.set_support(v1::SUPPORT_TEXT_ONLY);
  ApplyCapability(seen, kNow, &facts);
  EXPECT_FALSE(facts.gives_top_logprobs);
}

TEST_F(TeacherServiceTest, ProbeAboveItsCeilingAsksNothing) {
  v1::TeacherCapability seen;
  const absl::Status status = Probe("open", &seen, 1);
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(ToStd(status.message())), HasSubstr("ceiling of 1"));
  EXPECT_TRUE(node_.transport().requests().empty());
}

TEST_F(TeacherServiceTest, ProbeFindsTheMostCandidatesThatAreNotRefused) {
  v1::PlanTeacherProbeRequest request;
  request.set_name("open");
  v1::TeacherProbePlan plan;
  ASSERT_TRUE(Call(*stub_, &v1::TeacherService::Stub::PlanTeacherProbe, request, &plan).ok());
  constexpr const char* kRefused = R"({"error": {"message": "top_logprobs: at most 5"}})";
  // Of 20, 9, 4, 6 and 5.
  for (const int status : {400, 400, 200, 400, 200}) {
    node_.transport().AddReply(http::Answer(status, status == 200 ? kAnswer : kRefused));
  }
  for (uint32_t i = 1; i < plan.calls(); ++i) {
    node_.transport().AddReply(http::Answer(200, kAnswer));
  }
  node_.transport().AddReply(http::Answer(404, ""));
  v1::TeacherCapability seen;
  const absl::Status status = Probe("open", &seen);
  ASSERT_TRUE(status.ok()) << status;
  EXPECT_EQ(seen.support(), v1::SUPPORT_TOP_K);
  std::vector<uint32_t> asked;
  for (const http::Request& sent : node_.transport().requests()) {
    if (sent.method == "GET") continue;
    asked.push_back(nlohmann::json::parse(sent.body).value("top_logprobs", 0u));
  }
  ASSERT_GE(asked.size(), 6u);
  asked.resize(6);
  EXPECT_THAT(asked, ElementsAre(20, 9, 4, 6, 5, 5));
  EXPECT_EQ(seen.calls(), plan.calls() + 4);
  EXPECT_LE(seen.micro_usd(), plan.max_micro_usd());
  EXPECT_THAT(seen.notes(), Contains(HasSubstr("20 per token are refused")));
  EXPECT_FALSE(seen.has_retires_on());
  EXPECT_THAT(seen.notes(), Contains(HasSubstr("status 404")));
}

TEST_F(TeacherServiceTest, ProbeOfARefusedKeySaysWhy) {
  node_.transport().AddReply(
      http::Answer(401, R"({"error": {"message": "bad key", "type": "invalid_request_error"}})"));
  v1::TeacherCapability seen;
  const absl::Status status = Probe("open", &seen);
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(ToStd(status.message())), HasSubstr("bad key"));
  EXPECT_FALSE(List().teachers(1).has_capability());
}

TEST_F(TeacherServiceTest, ProbeOfAnUnknownTeacherIsNotFound) {
  v1::TeacherCapability seen;
  EXPECT_TRUE(absl::IsNotFound(Probe("nobody", &seen)));
  EXPECT_TRUE(node_.transport().requests().empty());
}

}  // namespace
}  // namespace limbeck::gateway
