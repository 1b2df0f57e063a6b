#include "gateway/dispatch/worker_pool.h"

#include <gtest/gtest.h>

#include <atomic>

namespace limbeck::gateway {
namespace {

TEST(WorkerPoolTest, RunsEverythingThatWasHandedOver) {
  std::atomic<int> ran{0};
  {
    WorkerPool pool(3);
    for (int i = 0; i < 1000; ++i) pool.Run([&ran] { ran.fetch_add(1); });
  }
  EXPECT_EQ(ran.load(), 1000);
}

TEST(WorkerPoolTest, TasksMayHandOverTasks) {
  std::atomic<int> ran{0};
  {
    WorkerPool pool(1);
    pool.Run([&] { pool.Run([&ran] { ran.fetch_add(1); }); });
  }
  EXPECT_EQ(ran.load(), 1);
}

}  // namespace
}  // namespace limbeck::gateway
