// Second tries beside slow ones: when they are sent, what they book, who wins.
#include <gtest/gtest.h>

#include "gateway/dispatch/scheduler_test_world.h"

namespace limbeck::gateway {
namespace {

class HedgingTest : public SchedulerWorld {
 protected:
  HedgingTest() {
    options_.hedges = {.ratio = 1, .initial = 0, .max_saved = 10};
    transport_.Hold();
  }

  void AskHedged(absl::Duration after = absl::Seconds(2)) {
    Call call = NewCall();
    call.hedge_after = after;
    call.on_hedge = [this](uint32_t) {
      hedges_booked_.push_back(sent());
      return hedge_booking_;
    };
    Ask(std::move(call));
  }

  std::vector<size_t> hedges_booked_;  // Requests sent by then.
  absl::Status hedge_booking_;
};

TEST_F(HedgingTest, ASlowCallGetsASecondTryThatIsBookedBeforeItIsSent) {
  AskHedged();
  EXPECT_EQ(Pump(), clock_.Now() + absl::Seconds(2));
  clock_.Advance(absl::Seconds(2));
  Pump();
  EXPECT_EQ(sent(), 2u);
  EXPECT_EQ(hedges_booked_, std::vector<size_t>{1});
  EXPECT_EQ(pool_->state().in_use, 2u);
  // The first answer ends the call, whichever it is; the other one stays booked.
  transport_.AddReply(http::Answer(200, kGood));
  transport_.AddReply(http::Answer(200, kGood));
  transport_.ReleaseOne();
  ASSERT_EQ(outcomes_.size(), 1u);
  EXPECT_TRUE(outcomes_[0].ok());
  EXPECT_EQ(outcomes_[0].tries, 2u);
  EXPECT_EQ(outcomes_[0].ambiguous_tries, 1u);
  EXPECT_FALSE(scheduler_->idle());
  transport_.ReleaseOne();
  EXPECT_TRUE(scheduler_->idle());
  EXPECT_EQ(outcomes_.size(), 1u);
  EXPECT_EQ(pool_->state().in_use, 0u);
  EXPECT_TRUE(booked_.empty());
}

TEST_F(HedgingTest, TheLoserIsCalledOffAndStaysBooked) {
  AskHedged();
  clock_.Advance(absl::Seconds(2));
  Pump();
  ASSERT_EQ(transport_.requests().size(), 2u);
  const auto loser = transport_.requests()[1].cancelled;
  ASSERT_NE(loser, nullptr);
  EXPECT_FALSE(loser->load());
  transport_.AddReply(http::Answer(200, kGood));
  transport_.ReleaseOne();
  EXPECT_TRUE(outcomes_.at(0).ok());
  EXPECT_EQ(outcomes_.at(0).ambiguous_tries, 1u);
  EXPECT_TRUE(loser->load());
  // Its slot comes back, and the circuit stays closed however often that happens.
  transport_.ReleaseOne();
  EXPECT_EQ(pool_->state().in_use, 0u);
  for (int i = 0; i < 50; ++i) {
    AskHedged();
    clock_.Advance(absl::Seconds(2));
    Pump();
    transport_.AddReply(http::Answer(200, kGood));
    transport_.ReleaseOne();
    transport_.ReleaseOne();
  }
  EXPECT_EQ(outcomes_.size(), 51u);
  for (const CallOutcome& outcome : outcomes_) EXPECT_TRUE(outcome.ok());
}

TEST_F(HedgingTest, AFastCallGetsNone) {
  AskHedged();
  transport_.AddReply(http::Answer(200, kGood));
  transport_.ReleaseOne();
  clock_.Advance(absl::Seconds(3));
  Pump();
  EXPECT_EQ(sent(), 1u);
  EXPECT_TRUE(hedges_booked_.empty());
}

TEST_F(HedgingTest, NobodyWhoDidNotAskForItIsHedged) {
  Ask(NewCall());
  clock_.Advance(absl::Minutes(1));
  Pump();
  EXPECT_EQ(sent(), 1u);
}

TEST_F(HedgingTest, WithoutItsBookingNothingIsSent) {
  hedge_booking_ = absl::ResourceExhaustedError("no money");
  AskHedged();
  clock_.Advance(absl::Seconds(2));
  Pump();
  EXPECT_EQ(sent(), 1u);
  EXPECT_EQ(pool_->state().in_use, 1u);
  transport_.AddReply(http::Answer(200, kGood));
  transport_.ReleaseOne();
  EXPECT_TRUE(outcomes_.at(0).ok());
  EXPECT_EQ(outcomes_[0].ambiguous_tries, 0u);
}

TEST_F(HedgingTest, NeverIntoALimit) {
  quota_.max_concurrent = 2;
  AskHedged();
  clock_.Advance(absl::Seconds(2));
  Pump();
  EXPECT_EQ(sent(), 1u);  // Half of the slots are in use.
}

TEST_F(HedgingTest, NeverSoonAfterA429) {
  transport_.Release();
  transport_.AddReply(http::Answer(429, "", {{"retry-after", "1"}}));
  transport_.AddReply(http::Answer(200, kGood));
  Ask(NewCall());
  RunUntil(1);
  transport_.Hold();
  AskHedged();
  clock_.Advance(absl::Seconds(2));
  Pump();
  EXPECT_EQ(sent(), 3u);
  EXPECT_TRUE(hedges_booked_.empty());
}

TEST_F(HedgingTest, AtMostTheConfiguredPart) {
  options_.hedges = {.ratio = 0.05, .initial = 0, .max_saved = 10};
  for (int i = 0; i < 100; ++i) AskHedged();
  clock_.Advance(absl::Seconds(2));
  Pump();
  EXPECT_EQ(sent(), 105u);
}

TEST_F(HedgingTest, AFailedTryWaitsForTheOther) {
  AskHedged();
  clock_.Advance(absl::Seconds(2));
  Pump();
  transport_.AddReply(http::LostAnswer());
  transport_.AddReply(http::Answer(200, kGood));
  transport_.ReleaseOne();
  EXPECT_TRUE(outcomes_.empty());
  transport_.ReleaseOne();
  ASSERT_EQ(outcomes_.size(), 1u);
  EXPECT_TRUE(outcomes_[0].ok());
  // The lost one is what was booked.
  EXPECT_EQ(outcomes_[0].ambiguous_tries, 1u);
  EXPECT_TRUE(booked_.empty());
}

TEST_F(HedgingTest, WhenBothAreLostBothAreBookedBeforeTheNextTry) {
  AskHedged();
  clock_.Advance(absl::Seconds(2));
  Pump();
  transport_.AddReply(http::LostAnswer());
  transport_.AddReply(http::LostAnswer());
  transport_.AddReply(http::Answer(200, kGood));
  transport_.Release();
  RunUntil(1);
  ASSERT_EQ(outcomes_.size(), 1u);
  EXPECT_TRUE(outcomes_[0].ok());
  EXPECT_EQ(outcomes_[0].tries, 3u);
  EXPECT_EQ(outcomes_[0].ambiguous_tries, 2u);
  EXPECT_EQ(booked_.size(), 1u);
  EXPECT_EQ(hedges_booked_.size(), 1u);
}

TEST_F(HedgingTest, WhenOneOfTwoFailedForSureNothingElseIsBooked) {
  AskHedged();
  clock_.Advance(absl::Seconds(2));
  Pump();
  transport_.AddReply(http::NeverSent());
  transport_.AddReply(http::LostAnswer());
  transport_.AddReply(http::Answer(200, kGood));
  transport_.Release();
  RunUntil(1);
  EXPECT_TRUE(outcomes_.at(0).ok());
  EXPECT_EQ(outcomes_[0].ambiguous_tries, 1u);
  EXPECT_TRUE(booked_.empty());
}

TEST_F(HedgingTest, AFirstTryThatFailsDuringTheBookingIsFollowedByTheSecond) {
  // The booking runs late, on another thread.
  std::vector<std::function<void()>> tasks;
  executor_ = [&tasks](std::function<void()> task) { tasks.push_back(std::move(task)); };
  const auto run = [&tasks] {
    auto taken = std::exchange(tasks, {});
    for (auto& task : taken) task();
  };
  AskHedged();
  clock_.Advance(absl::Seconds(2));
  Pump();
  ASSERT_EQ(tasks.size(), 1u);
  auto booking = std::exchange(tasks, {});
  transport_.AddReply(http::LostAnswer());
  transport_.AddReply(http::Answer(200, kGood));
  transport_.ReleaseOne();
  run();
  EXPECT_TRUE(outcomes_.empty());
  booking[0]();
  transport_.ReleaseOne();
  run();
  ASSERT_EQ(outcomes_.size(), 1u);
  EXPECT_TRUE(outcomes_[0].ok());
  EXPECT_EQ(outcomes_[0].ambiguous_tries, 1u);
  EXPECT_TRUE(scheduler_->idle());
}

TEST_F(HedgingTest, AnAnswerDuringTheBookingEndsTheCallAndNothingIsSent) {
  std::vector<std::function<void()>> tasks;
  executor_ = [&tasks](std::function<void()> task) { tasks.push_back(std::move(task)); };
  AskHedged();
  clock_.Advance(absl::Seconds(2));
  Pump();
  ASSERT_EQ(tasks.size(), 1u);
  auto booking = std::exchange(tasks, {});
  transport_.AddReply(http::Answer(200, kGood));
  transport_.ReleaseOne();
  auto answer = std::exchange(tasks, {});
  answer.at(0)();
  EXPECT_EQ(outcomes_.size(), 1u);
  EXPECT_FALSE(scheduler_->idle());
  booking[0]();
  EXPECT_EQ(sent(), 1u);
  EXPECT_TRUE(scheduler_->idle());
  EXPECT_EQ(pool_->state().in_use, 0u);
}

TEST_F(HedgingTest, BothTriesAreGivenUpTogether) {
  AskHedged();
  clock_.Advance(absl::Seconds(2));
  Pump();
  ASSERT_EQ(sent(), 2u);
  scheduler_->GiveUp();
  transport_.Release();
  ASSERT_EQ(outcomes_.size(), 1u);
  EXPECT_EQ(failure(0).cls, FailureClass::kCancelled);
  // One of the two is booked already, the other one is to be.
  EXPECT_EQ(outcomes_[0].ambiguous_tries, 2u);
  EXPECT_TRUE(failure(0).may_have_been_billed);
  EXPECT_TRUE(scheduler_->idle());
}

}  // namespace
}  // namespace limbeck::gateway
