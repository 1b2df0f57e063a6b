#include "gateway/jobs/distinct_queries.h"

#include <gtest/gtest.h>

namespace limbeck::gateway {
namespace {

TEST(DistinctQueriesTest, CountsEveryQueryOnceWhileAllAreKept) {
  DistinctQueries distinct;
  for (int pass = 0; pass < 2; ++pass) {
    for (uint64_t hash = 0; hash < 1000; ++hash) {
      distinct.StartRow();
      EXPECT_EQ(distinct.Add(hash), pass == 0);
    }
  }
  EXPECT_EQ(distinct.count(), 1000u);
}

TEST(DistinctQueriesTest, ErrsToTheHighSideBeyondItsMemory) {
  DistinctQueries distinct(2);
  EXPECT_TRUE(distinct.Add(1));
  EXPECT_TRUE(distinct.Add(2));
  EXPECT_TRUE(distinct.Add(3));
  // Repeats of what is kept, and within the row, are still found.
  EXPECT_FALSE(distinct.Add(1));
  EXPECT_FALSE(distinct.Add(3));
  distinct.StartRow();
  EXPECT_FALSE(distinct.Add(2));
  EXPECT_TRUE(distinct.Add(3));
  EXPECT_EQ(distinct.count(), 4u);
}

}  // namespace
}  // namespace limbeck::gateway
