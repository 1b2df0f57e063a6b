#include "cache/records/key.h"

#include <gtest/gtest.h>

namespace limbeck::cache {
namespace {

TEST(RecordKeyTest, IsThirtyTwoBytesAndStable) {
  const std::string key = RecordKey("secret", "request");
  EXPECT_EQ(key.size(), kKeyBytes);
  EXPECT_EQ(key, RecordKey("secret", "request"));
}

TEST(RecordKeyTest, DependsOnSecretAndOnEveryByte) {
  EXPECT_NE(RecordKey("secret", "request"), RecordKey("other", "request"));
  EXPECT_NE(RecordKey("secret", "request"), RecordKey("secret", "requesT"));
  EXPECT_NE(RecordKey("secret", ""), RecordKey("secret", std::string(1, '\0')));
}

}  // namespace
}  // namespace limbeck::cache
