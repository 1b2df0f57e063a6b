#include "base/kv/rocksdb/key_locks.h"

#include <gtest/gtest.h>

#include <thread>

#include "absl/strings/str_cat.h"

namespace limbeck::kv {
namespace {

TEST(KeyLocksTest, OverlappingBatchesExcludeEachOtherAndNeverDeadlock) {
  for (const size_t stripes : {1u, 3u, 1024u}) {
    KeyLocks locks(stripes);
    int inside[10] = {};
    std::vector<std::thread> threads;
    for (int t = 0; t < 6; ++t) {
      threads.emplace_back([&, t] {
        for (int i = 0; i < 300; ++i) {
          const int first = (t * 7 + i) % 10;
          const int second = (t * 3 + i * 5) % 10;
          WriteBatch batch;
          batch.Put("a", absl::StrCat(first), "");
          batch.ExpectAbsent("a", absl::StrCat(second));
          const KeyLocks::Hold hold(&locks, batch);
          EXPECT_EQ(++inside[first], 1);
          const int others = first == second ? 1 : 0;
          EXPECT_EQ(++inside[second], 1 + others);
          --inside[first];
          --inside[second];
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
  }
}

TEST(KeyLocksTest, OneBatchMayNameAKeyManyTimes) {
  KeyLocks locks(4);
  WriteBatch batch;
  for (int i = 0; i < 20; ++i) batch.Put("a", absl::StrCat(i % 5), "");
  const KeyLocks::Hold hold(&locks, batch);
}

}  // namespace
}  // namespace limbeck::kv
