#include "trainer/checkpoints/checkpoint_writer.h"

#include <vector>

#include <gtest/gtest.h>

#include "absl/synchronization/notification.h"

namespace limbeck::trainer {
namespace {

RunState StateOf(uint64_t step) { return {.position = {.step = step}}; }

TEST(CheckpointWriterTest, WritesInOrderAndOffTheCallersThread) {
  std::vector<uint64_t> written;
  std::thread::id thread;
  CheckpointWriter writer([&](const RunState& state) {
    written.push_back(state.position.step);
    thread = std::this_thread::get_id();
    return absl::OkStatus();
  });
  EXPECT_EQ(writer.saved_step(), 0u);
  for (const uint64_t step : {5u, 10u, 15u}) writer.Submit(StateOf(step));
  EXPECT_TRUE(writer.Finish().ok());
  EXPECT_EQ(written, (std::vector<uint64_t>{5, 10, 15}));
  EXPECT_EQ(writer.saved_step(), 15u);
  EXPECT_NE(thread, std::this_thread::get_id());
}

TEST(CheckpointWriterTest, TrainingGoesOnWhileADiskIsSlow) {
  absl::Notification release;
  CheckpointWriter writer([&](const RunState&) {
    release.WaitForNotification();
    return absl::OkStatus();
  });
  writer.Submit(StateOf(1));  // Being written, or waiting.
  EXPECT_TRUE(writer.TakeFailure().ok());
  EXPECT_EQ(writer.saved_step(), 0u);
  release.Notify();
  EXPECT_TRUE(writer.Finish().ok());
  EXPECT_EQ(writer.saved_step(), 1u);
}

TEST(CheckpointWriterTest, HoldsNoMoreThanOneWaitingState) {
  absl::Notification release;
  std::atomic<int> submitted = 0;
  CheckpointWriter writer([&](const RunState&) {
    release.WaitForNotification();
    return absl::OkStatus();
  });
  std::thread trainer([&] {
    for (uint64_t step = 1; step <= 4; ++step) {
      writer.Submit(StateOf(step));
      ++submitted;
    }
  });
  // One is written and one waits; the third finds no room until the disk is done.
  while (submitted.load() < 2) std::this_thread::yield();
  EXPECT_LE(submitted.load(), 2);
  release.Notify();
  trainer.join();
  EXPECT_TRUE(writer.Finish().ok());
  EXPECT_EQ(writer.saved_step(), 4u);
}

TEST(CheckpointWriterTest, ReportsAFailureOnceAndGoesOnSaving) {
  CheckpointWriter writer([](const RunState& state) {
    return state.position.step == 2 ? absl::ResourceExhaustedError("no space left")
                                    : absl::OkStatus();
  });
  for (const uint64_t step : {1u, 2u, 3u}) writer.Submit(StateOf(step));
  const absl::Status status = writer.Finish();
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(status.message(), "checkpoint of step 2: no space left");
  EXPECT_TRUE(writer.TakeFailure().ok());
  EXPECT_EQ(writer.saved_step(), 3u);
}

TEST(CheckpointWriterTest, ItsEndWritesWhatWasSubmitted) {
  std::vector<uint64_t> written;
  {
    CheckpointWriter writer([&](const RunState& state) {
      written.push_back(state.position.step);
      return absl::OkStatus();
    });
    writer.Submit(StateOf(1));
    writer.Submit(StateOf(2));
  }
  EXPECT_EQ(written, (std::vector<uint64_t>{1, 2}));
}

}  // namespace
}  // namespace limbeck::trainer
