#include "cache/snapshots/pack_store_conformance.h"

#include <thread>

#include "base/hash.h"

namespace limbeck::cache {

GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(PackStoreConformance);

TEST_P(PackStoreConformance, ReturnsWhatWasPutUnderItsHash) {
  for (const std::string& bytes :
       {std::string("x"), std::string("\0\xff\n", 3), std::string(5u << 20, 'p')}) {
    const auto name = store_->Put(bytes);
    ASSERT_TRUE(name.ok()) << name.status();
    EXPECT_EQ(*name, Sha256Hex(bytes));
    const auto read = store_->Get(*name);
    ASSERT_TRUE(read.ok()) << read.status();
    EXPECT_EQ(*read, bytes);
  }
}

TEST_P(PackStoreConformance, PutIsIdempotent) {
  ASSERT_TRUE(store_->Put("x").ok());
  EXPECT_EQ(*store_->Put("x"), Sha256Hex("x"));
  EXPECT_EQ(*store_->Get(Sha256Hex("x")), "x");
}

TEST_P(PackStoreConformance, MissingPacksAreNotFound) {
  EXPECT_EQ(store_->Get(Sha256Hex("never")).status().code(), absl::StatusCode::kNotFound);
}

TEST_P(PackStoreConformance, NamesThatAreNoNamesAreRefused) {
  for (const char* name : {"", "abc", "../../../../etc/passwd"}) {
    EXPECT_EQ(store_->Get(name).status().code(), absl::StatusCode::kInvalidArgument) << name;
  }
  EXPECT_FALSE(store_->Get(std::string(64, 'G')).ok());
}

TEST_P(PackStoreConformance, ParallelPutsOfTheSamePackAllSucceed) {
  const std::string bytes(1u << 20, 'q');
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&, i] {
      EXPECT_TRUE(store_->Put(bytes).ok());
      EXPECT_TRUE(store_->Put(std::to_string(i)).ok());
      EXPECT_EQ(*store_->Get(Sha256Hex(bytes)), bytes);
    });
  }
  for (std::thread& thread : threads) thread.join();
}

}  // namespace limbeck::cache
