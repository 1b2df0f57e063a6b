// Runs ranks as threads over a real store and real sockets on the loopback; for tests.
#pragma once

#include <functional>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "trainer/parallel/process_group.h"

namespace limbeck::trainer {

// Calls `body` once per rank, each on its own thread, and joins them.
inline void RunRanksForTest(uint32_t world_size, absl::Duration timeout,
                            const std::function<void(ProcessGroup*)>& body) {
  auto store = RendezvousStore::Serve("127.0.0.1", timeout);
  ASSERT_TRUE(store.ok()) << store.status();
  std::vector<std::thread> threads;
  for (uint32_t rank = 0; rank < world_size; ++rank) {
    threads.emplace_back([&, rank] {
      auto group = JoinGroup({.rank = rank,
                              .world_size = world_size,
                              .store_address = (*store)->address(),
                              .timeout = timeout},
                             rank == 0 ? store->get() : nullptr);
      ASSERT_TRUE(group.ok()) << group.status();
      body(group->get());
    });
  }
  for (std::thread& thread : threads) thread.join();
}

}  // namespace limbeck::trainer
