#include "cache/ledger/group_writer.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "absl/synchronization/notification.h"
#include "base/kv/forwarding_engine_for_test.h"
#include "base/kv/open.h"

namespace limbeck::cache {
namespace {

// An engine whose writes can be held back and made to fail, to see what is planned meanwhile.
class StepEngine : public kv::ForwardingEngine {
 public:
  explicit StepEngine(kv::Engine* engine) : ForwardingEngine(engine) {}

  absl::Status Write(const kv::WriteBatch& batch) override {
    absl::MutexLock lock(&mu_);
    ++started_;
    mu_.Await(absl::Condition(
        +[](StepEngine* self) { return self->allowed_ > 0; }, this));
    --allowed_;
    if (!next_status_.ok()) return std::exchange(next_status_, absl::OkStatus());
    return ForwardingEngine::Write(batch);
  }

  void Allow(int writes, absl::Status next = absl::OkStatus()) {
    absl::MutexLock lock(&mu_);
    allowed_ += writes;
    next_status_ = std::move(next);
  }
  // Writes that have begun, of which the last may be held back.
  void AwaitStarted(int writes) {
    absl::MutexLock lock(&mu_);
    const auto started = [&] { return started_ >= writes; };
    mu_.Await(absl::Condition(&started));
  }
  int started() {
    absl::MutexLock lock(&mu_);
    return started_;
  }

 private:
  absl::Mutex mu_;
  int allowed_ = 0;
  int started_ = 0;
  absl::Status next_status_;
};

// Adds one to the number at "n", which shows what the request saw.
struct Increment {
  WriteRequest request;
  std::string seen;
  std::atomic<int> applied = 0;
  absl::Status status;
  absl::Notification answered;

  Increment() {
    request.reads = {{kClaimTable, {"n"}}};
    request.apply = [this](Transaction* transaction) -> absl::Status {
      auto value = transaction->Get(kClaimTable, "n");
      if (!value.ok()) return value.status();
      seen = value->value_or("0");
      transaction->Put(kClaimTable, "n", std::to_string(std::stoi(seen) + 1));
      ++applied;
      return absl::OkStatus();
    };
    request.done = [this](const absl::Status& answer) {
      status = answer;
      answered.Notify();
    };
  }
};

class GroupWriterTest : public testing::Test {
 protected:
  GroupWriterTest()
      : engine_(memory_.get()),
        writer_(std::make_unique<GroupWriter>(&engine_, GroupWriterOptions())) {}
  ~GroupWriterTest() override {
    engine_.Allow(1'000'000);
    writer_.reset();
  }

  static void AwaitApplied(const Increment& increment) {
    while (increment.applied == 0) std::this_thread::yield();
  }

  static std::unique_ptr<kv::Engine> OpenMemory() {
    kv::OpenOptions options;
    options.driver = "memory";
    options.tables = LedgerTables();
    return *kv::Open(options);
  }

  const std::unique_ptr<kv::Engine> memory_ = OpenMemory();
  StepEngine engine_;
  std::unique_ptr<GroupWriter> writer_;
};

TEST_F(GroupWriterTest, PlansTheNextGroupWhileTheDiskWorks) {
  Increment first, second, third;
  writer_->Submit(&first.request);
  engine_.AwaitStarted(1);
  writer_->Submit(&second.request);
  writer_->Submit(&third.request);
  AwaitApplied(third);
  EXPECT_EQ(second.seen, "1") << "the group at the disk is seen before it is readable";
  EXPECT_EQ(third.seen, "2");
  EXPECT_EQ(engine_.started(), 1);
  EXPECT_FALSE(first.answered.HasBeenNotified());
  engine_.Allow(1);
  first.answered.WaitForNotification();
  engine_.AwaitStarted(2);
  EXPECT_FALSE(second.answered.HasBeenNotified());
  engine_.Allow(1);
  second.answered.WaitForNotification();
  third.answered.WaitForNotification();
  EXPECT_TRUE(first.status.ok() && second.status.ok() && third.status.ok());
  EXPECT_EQ(engine_.started(), 2) << "two requests shared a write";
  EXPECT_EQ(**engine_.Get(kClaimTable, "n"), "3");
}

TEST_F(GroupWriterTest, WhatWasPlannedOnAFailedWriteIsPlannedAgain) {
  Increment first, second;
  writer_->Submit(&first.request);
  engine_.AwaitStarted(1);
  writer_->Submit(&second.request);
  AwaitApplied(second);
  engine_.Allow(2, absl::UnavailableError("disk"));
  first.answered.WaitForNotification();
  second.answered.WaitForNotification();
  EXPECT_EQ(first.status.code(), absl::StatusCode::kUnavailable);
  EXPECT_TRUE(second.status.ok()) << second.status;
  EXPECT_EQ(second.seen, "0") << "nothing of the failed group is left";
  EXPECT_EQ(**engine_.Get(kClaimTable, "n"), "1");
}

TEST_F(GroupWriterTest, AWriteOfAnotherServerIsPlannedAroundInOrder) {
  Increment first, second;
  writer_->Submit(&first.request);
  engine_.AwaitStarted(1);
  writer_->Submit(&second.request);
  AwaitApplied(second);
  Counters counters;
  counters.version = 7;
  kv::WriteBatch other;
  other.Put(kClaimTable, "n", "10");
  other.Put(kMetaTable, "counters", Encode(counters));
  ASSERT_TRUE(engine_.inner()->Write(other).ok());
  engine_.Allow(3);
  first.answered.WaitForNotification();
  second.answered.WaitForNotification();
  EXPECT_TRUE(first.status.ok()) << first.status;
  EXPECT_EQ(first.seen, "10");
  EXPECT_EQ(second.seen, "11");
  EXPECT_EQ(**engine_.Get(kClaimTable, "n"), "12");
  EXPECT_EQ(writer_->stats().conflicts, 1u);
}

TEST_F(GroupWriterTest, AServerThatLosesAgainAndAgainGetsItsTurn) {
  engine_.Allow(1'000'000);
  GroupWriter rival(&engine_, GroupWriterOptions());
  std::atomic<bool> stop = false;
  std::thread without_pause([&] {
    while (!stop) {
      Increment increment;
      EXPECT_TRUE(rival.Run(&increment.request).ok());
    }
  });
  GroupWriterOptions few;
  few.max_attempts = 5;
  GroupWriter loser(&engine_, few);
  for (int i = 0; i < 200; ++i) {
    Increment increment;
    const absl::Status status = loser.Run(&increment.request);
    EXPECT_TRUE(status.ok()) << status;
  }
  stop = true;
  without_pause.join();
}

TEST_F(GroupWriterTest, ATurnLeftBehindIsRemoved) {
  engine_.Allow(1'000'000);
  kv::WriteBatch turn;
  turn.Put(kMetaTable, "turn", "of a server that died");
  ASSERT_TRUE(engine_.inner()->Write(turn).ok());
  Increment first;
  EXPECT_TRUE(writer_->Run(&first.request).ok());
  EXPECT_EQ(*engine_.Get(kMetaTable, "turn"), std::nullopt);
}

TEST_F(GroupWriterTest, AnErrorUndoesOneRequestAlone) {
  engine_.Allow(2);
  WriteRequest bad;
  bad.apply = [](Transaction* transaction) {
    transaction->Put(kClaimTable, "n", "99");
    return absl::InvalidArgumentError("no");
  };
  EXPECT_EQ(writer_->Run(&bad).code(), absl::StatusCode::kInvalidArgument);
  Increment good;
  EXPECT_TRUE(writer_->Run(&good.request).ok());
  EXPECT_EQ(good.seen, "0");
}

TEST_F(GroupWriterTest, AReadThatRestsOnAWriteWaitsForIt) {
  Increment first;
  writer_->Submit(&first.request);
  engine_.AwaitStarted(1);
  std::string seen;
  absl::Notification answered;
  WriteRequest read;
  read.apply = [&](Transaction* transaction) {
    seen = (*transaction->Get(kClaimTable, "n")).value_or("none");
    return absl::OkStatus();
  };
  read.done = [&](const absl::Status&) { answered.Notify(); };
  writer_->Submit(&read);
  EXPECT_FALSE(answered.HasBeenNotified());
  engine_.Allow(1, absl::UnavailableError("disk"));
  answered.WaitForNotification();
  EXPECT_EQ(seen, "none") << "the write that it rested on did not happen";
}

TEST_F(GroupWriterTest, RefusesMoreThanMayWait) {
  GroupWriterOptions options;
  options.max_queued_requests = 1;
  GroupWriter small(&engine_, options);
  Increment first, second;
  small.Submit(&first.request);
  small.Submit(&second.request);
  second.answered.WaitForNotification();
  EXPECT_EQ(second.status.code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(small.stats().refused, 1u);
  engine_.Allow(1);
  first.answered.WaitForNotification();
  EXPECT_TRUE(first.status.ok());
}

TEST_F(GroupWriterTest, AnswersWhatWaitsBeforeItStops) {
  Increment increments[20];
  for (Increment& increment : increments) writer_->Submit(&increment.request);
  engine_.Allow(20);
  writer_.reset();
  for (const Increment& increment : increments) {
    EXPECT_TRUE(increment.answered.HasBeenNotified());
    EXPECT_TRUE(increment.status.ok());
  }
  EXPECT_EQ(**engine_.Get(kClaimTable, "n"), "20");
}

}  // namespace
}  // namespace limbeck::cache
