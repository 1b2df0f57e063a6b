#include "gateway/dispatch/teacher_scheduler.h"

#include <gtest/gtest.h>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gateway/dispatch/scheduler_test_world.h"

namespace limbeck::gateway {
namespace {

class TeacherSchedulerTest : public SchedulerWorld {
 protected:
  void Ask(absl::Duration timeout = absl::Hours(1)) {
    Call call = NewCall();
    call.timeout = timeout;
    SchedulerWorld::Ask(std::move(call));
  }
};

TEST_F(TeacherSchedulerTest, AGoodAnswerEndsTheCall) {
  transport_.AddReply(http::Answer(200, kGood));
  Ask();
  ASSERT_EQ(outcomes_.size(), 1u);
  ASSERT_TRUE(outcomes_[0].ok());
  EXPECT_EQ(std::get<cache::SoftOutput>(outcomes_[0].result).text, "yes");
  EXPECT_EQ(outcomes_[0].tries, 1u);
  EXPECT_EQ(outcomes_[0].ambiguous_tries, 0u);
  EXPECT_TRUE(scheduler_->idle());
}

TEST_F(TeacherSchedulerTest, FaultsAreRetriedWithGrowingDelays) {
  for (int i = 0; i < 3; ++i) transport_.AddReply(http::NeverSent());
  transport_.AddReply(http::Answer(200, kGood));
  const SteadyTime start = clock_.Now();
  Ask();
  EXPECT_EQ(sent(), 1u);
  RunUntil(1);
  ASSERT_TRUE(outcomes_.at(0).ok());
  EXPECT_EQ(outcomes_[0].tries, 4u);
  EXPECT_EQ(clock_.Now() - start, absl::Seconds(1 + 2 + 4));
  EXPECT_TRUE(booked_.empty());
}

TEST_F(TeacherSchedulerTest, TriesAreLimited) {
  options_.retry.max_tries = 3;
  for (int i = 0; i < 9; ++i) transport_.AddReply(http::Answer(503, ""));
  Ask();
  RunUntil(1);
  EXPECT_EQ(failure(0).cls, FailureClass::kRetryable);
  EXPECT_EQ(failure(0).http_status, 503);
  EXPECT_EQ(sent(), 3u);
}

TEST_F(TeacherSchedulerTest, AnAmbiguousTryIsBookedBeforeTheNextIsSent) {
  transport_.AddReply(http::LostAnswer());
  transport_.AddReply(http::Answer(500, ""));
  transport_.AddReply(http::Answer(200, kGood));
  Ask();
  RunUntil(1);
  ASSERT_TRUE(outcomes_.at(0).ok());
  EXPECT_EQ(outcomes_[0].ambiguous_tries, 2u);
  EXPECT_EQ(booked_, (std::vector<std::pair<uint32_t, size_t>>{{1, 1}, {2, 2}}));
}

TEST_F(TeacherSchedulerTest, WithoutItsBookingAnAmbiguousTryIsTheLast) {
  booking_ = absl::UnavailableError("ledger is away");
  transport_.AddReply(http::LostAnswer());
  Ask();
  RunUntil(1);
  EXPECT_TRUE(failure(0).may_have_been_billed);
  EXPECT_TRUE(absl::StrContains(failure(0).message, "ledger is away"));
  book_ambiguous_ = false;
  transport_.AddReply(http::LostAnswer());
  Ask();
  RunUntil(2);
  EXPECT_EQ(outcomes_.at(1).ambiguous_tries, 1u);
  EXPECT_EQ(sent(), 2u);
}

TEST_F(TeacherSchedulerTest, RetryAfterPausesEveryCallOfThePool) {
  transport_.AddReply(http::Answer(429, "", {{"Retry-After", "7"}}));
  Ask();
  Ask();
  EXPECT_EQ(sent(), 1u);
  clock_.Advance(absl::Seconds(6.9));
  Pump();
  EXPECT_EQ(sent(), 1u);
  transport_.AddReply(http::Answer(200, kGood));
  transport_.AddReply(http::Answer(200, kGood));
  clock_.Advance(absl::Seconds(0.1));
  RunUntil(2);
  EXPECT_EQ(sent(), 3u);
  EXPECT_TRUE(booked_.empty());
}

TEST_F(TeacherSchedulerTest, RetryAfterOnAFaultIsHonoured) {
  transport_.AddReply(http::Answer(503, "", {{"retry-after", "30"}}));
  transport_.AddReply(http::Answer(200, kGood));
  const SteadyTime start = clock_.Now();
  Ask();
  RunUntil(1);
  EXPECT_GE(clock_.Now() - start, absl::Seconds(30));
  EXPECT_TRUE(outcomes_.at(0).ok());
}

TEST_F(TeacherSchedulerTest, BadRequestsEndAtOnce) {
  transport_.AddReply(http::Answer(400, R"({"error":{"message":"too long"}})"));
  Ask();
  EXPECT_EQ(failure(0).cls, FailureClass::kBadRequest);
  EXPECT_EQ(outcomes_[0].tries, 1u);
}

TEST_F(TeacherSchedulerTest, GarbledAnswersGetOneMoreTry) {
  transport_.AddReply(http::Answer(200, "<html>"));
  transport_.AddReply(http::Answer(200, "<html>"));
  Ask();
  RunUntil(1);
  EXPECT_EQ(failure(0).cls, FailureClass::kGarbled);
  EXPECT_EQ(outcomes_[0].tries, 2u);
  EXPECT_EQ(outcomes_[0].ambiguous_tries, 2u);
  EXPECT_EQ(booked_.size(), 1u);
}

TEST_F(TeacherSchedulerTest, AStoppedTeacherIsNotAskedUntilResumed) {
  transport_.AddReply(http::Answer(401, ""));
  Ask();
  EXPECT_EQ(failure(0).cls, FailureClass::kStopTeacher);
  Ask();
  ASSERT_EQ(outcomes_.size(), 2u);
  EXPECT_EQ(failure(1).cls, FailureClass::kStopTeacher);
  EXPECT_EQ(outcomes_[1].tries, 0u);
  EXPECT_EQ(sent(), 1u);
  EXPECT_TRUE(scheduler_->state().stopped.has_value());
  scheduler_->Resume();
  transport_.AddReply(http::Answer(200, kGood));
  Ask();
  EXPECT_TRUE(outcomes_.at(2).ok());
}

TEST_F(TeacherSchedulerTest, CallsEndAtTheirDeadline) {
  quota_.max_concurrent = 1;
  transport_.Hold();
  Ask();
  Ask(absl::Seconds(5));
  EXPECT_EQ(sent(), 1u);
  clock_.Advance(absl::Seconds(5));
  Pump();
  ASSERT_EQ(outcomes_.size(), 1u);
  EXPECT_EQ(failure(0).cls, FailureClass::kDeadline);
  transport_.AddReply(http::Answer(200, kGood));
  transport_.Release();
  EXPECT_EQ(outcomes_.size(), 2u);
  EXPECT_TRUE(scheduler_->idle());
}

TEST_F(TeacherSchedulerTest, ATryIsCutToTheCallsDeadline) {
  transport_.AddReply(http::Answer(200, kGood));
  Ask(absl::Seconds(3));
  EXPECT_EQ(transport_.requests()[0].total_timeout, absl::Seconds(3));
}

TEST_F(TeacherSchedulerTest, EveryPhaseHasItsTime) {
  config_.timeouts = {.connect = absl::Seconds(1),
                      .total = absl::Seconds(9),
                      .idle = absl::Seconds(3),
                      .first_byte = absl::Seconds(5)};
  transport_.AddReply(http::Answer(200, kGood));
  Ask();
  const http::Request request = transport_.requests().at(0);
  EXPECT_EQ(request.connect_timeout, absl::Seconds(1));
  EXPECT_EQ(request.first_byte_timeout, absl::Seconds(5));
  EXPECT_EQ(request.idle_timeout, absl::Seconds(3));
  EXPECT_EQ(request.total_timeout, absl::Seconds(9));
}

TEST_F(TeacherSchedulerTest, AWaitOfADayParksThePoolAndTheCallSaysSo) {
  transport_.AddReply(http::Answer(429, "", {{"retry-after", "86400"}}));
  Ask(absl::Minutes(10));
  EXPECT_EQ(scheduler_->state().parked_for, absl::Hours(24));
  EXPECT_EQ(scheduler_->state().in_flight, 0u);
  RunUntil(1);
  EXPECT_EQ(failure(0).cls, FailureClass::kDeadline);
  EXPECT_TRUE(absl::StrContains(failure(0).message, "is parked for another 23h50m"))
      << failure(0).message;
  EXPECT_EQ(sent(), 1u);
}

TEST_F(TeacherSchedulerTest, ARetryThatWouldComeAfterTheDeadlineIsNotWaitedFor) {
  transport_.AddReply(http::Answer(503, "", {{"Retry-After", "60"}}));
  Ask(absl::Seconds(30));
  EXPECT_EQ(failure(0).http_status, 503);
}

TEST_F(TeacherSchedulerTest, TheCircuitOpensAndOneProbeClosesIt) {
  options_.breaker = {.failures_to_open = 2, .open_for = absl::Seconds(100)};
  options_.retry.max_tries = 1;
  for (int i = 0; i < 2; ++i) transport_.AddReply(http::NeverSent());
  Ask();
  Ask();
  EXPECT_TRUE(scheduler_->state().circuit_open);
  Ask();
  Ask();
  EXPECT_EQ(sent(), 2u);
  transport_.Hold();
  clock_.Advance(absl::Seconds(100));
  Pump();
  EXPECT_EQ(sent(), 3u);
  transport_.AddReply(http::Answer(200, kGood));
  transport_.AddReply(http::Answer(200, kGood));
  transport_.Release();
  RunUntil(4);
  EXPECT_TRUE(outcomes_.at(2).ok());
  EXPECT_TRUE(outcomes_.at(3).ok());
}

TEST_F(TeacherSchedulerTest, UnderAStormRetriesStayWithinTheBudget) {
  options_.retry.max_tries = 100;
  options_.retry.budget = {.ratio = 0.1, .initial = 0, .advance_per_second = 1, .max_saved = 1000};
  options_.breaker.failures_to_open = 1'000'000;
  for (int i = 0; i < 5000; ++i) transport_.AddReply(http::Answer(503, ""));
  for (int i = 0; i < 1000; ++i) Ask();
  for (int second = 0; second < 10; ++second) {
    clock_.Advance(absl::Seconds(1));
    Pump();
  }
  EXPECT_LE(sent(), 1000u + 100 + 10);
  EXPECT_GE(sent(), 1000u + 50);
}

TEST_F(TeacherSchedulerTest, QueriesTheProviderCannotAskEndWithoutBeingSent) {
  config_.max_top_logprobs = 0;
  Start();
  Call call;
  call.query.messages = {{Role::kUser, "x"}};
  call.query.top_logprobs = 5;
  call.done = [this](CallOutcome outcome) { outcomes_.push_back(std::move(outcome)); };
  ASSERT_TRUE(scheduler_->Ask(std::move(call)).ok());
  Pump();
  EXPECT_EQ(failure(0).cls, FailureClass::kBadRequest);
  EXPECT_EQ(sent(), 0u);
  EXPECT_EQ(pool_->state().in_use, 0u);
}

TEST_F(TeacherSchedulerTest, MoreCallsThanTheLimitAreRefused) {
  options_.max_calls = 2;
  transport_.Hold();
  Ask();
  Ask();
  Call call;
  call.done = [](CallOutcome) { FAIL(); };
  EXPECT_EQ(scheduler_->Ask(std::move(call)).code(), absl::StatusCode::kResourceExhausted);
  transport_.Release();
}

TEST_F(TeacherSchedulerTest, ShutdownEndsWaitingCallsAndLetsRunningOnesFinish) {
  quota_.max_concurrent = 1;
  transport_.Hold();
  Ask();
  Ask();
  scheduler_->Shutdown();
  ASSERT_EQ(outcomes_.size(), 1u);
  EXPECT_EQ(failure(0).cls, FailureClass::kCancelled);
  transport_.AddReply(http::Answer(503, ""));
  transport_.Release();
  EXPECT_EQ(failure(1).http_status, 503);
  EXPECT_TRUE(scheduler_->idle());
}

TEST_F(TeacherSchedulerTest, CallsOnTheWireAreGivenUpAsOnesThatMayBeBilled) {
  quota_.max_concurrent = 2;
  transport_.Hold();
  for (int i = 0; i < 3; ++i) Ask();
  ASSERT_EQ(sent(), 2u);
  transport_.AddReply(http::Answer(200, kGood));
  transport_.ReleaseOne();
  Pump();
  ASSERT_EQ(sent(), 3u);
  scheduler_->GiveUp();
  transport_.Release();
  ASSERT_EQ(outcomes_.size(), 3u);
  EXPECT_TRUE(outcomes_[0].ok());
  for (size_t i = 1; i < 3; ++i) {
    EXPECT_EQ(failure(i).cls, FailureClass::kCancelled);
    EXPECT_TRUE(failure(i).may_have_been_billed);
  }
  EXPECT_EQ(scheduler_->state().given_up, 2u);
  EXPECT_TRUE(scheduler_->idle());
  // What was never sent cost nothing.
  EXPECT_TRUE(booked_.empty());
}

}  // namespace
}  // namespace limbeck::gateway
