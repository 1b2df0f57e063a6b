#include "cache/ledger/rows.h"

#include <gtest/gtest.h>

namespace limbeck::cache {
namespace {

LedgerRow Sample() {
  LedgerRow row;
  row.state = LedgerRow::State::kAmbiguous;
  row.domain = "team/a";
  row.key = std::string("\0\xff", 2);
  row.accounts = {"job/1", "team/a"};
  row.owner = {"gw", 7};
  row.reserve = 10;
  row.reserved = -1;
  row.charged = INT64_MAX;
  row.ambiguous = 5;
  row.ambiguous_sequence = 3;
  row.note = "late";
  row.release_outcome = ReleaseOutcome::kNotHeld;
  return row;
}

TEST(LedgerRowsTest, RoundTrip) {
  const absl::StatusOr<LedgerRow> row = Decode<LedgerRow>(Encode(Sample()));
  ASSERT_TRUE(row.ok()) << row.status();
  EXPECT_EQ(Encode(*row), Encode(Sample()));
  EXPECT_EQ(row->charged, INT64_MAX);
  EXPECT_EQ(row->reserved, -1);
  EXPECT_EQ(row->accounts, Sample().accounts);
  Counters counters;
  counters.next_fence = UINT64_MAX;
  EXPECT_EQ(Decode<Counters>(Encode(counters))->next_fence, UINT64_MAX);
}

TEST(LedgerRowsTest, TruncatedAndTrailingBytesAreDataLoss) {
  const std::string bytes = Encode(Sample());
  for (size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_EQ(Decode<LedgerRow>(bytes.substr(0, size)).status().code(),
              absl::StatusCode::kDataLoss);
  }
  EXPECT_FALSE(Decode<LedgerRow>(bytes + "x").ok());
  EXPECT_FALSE(Decode<IndexRow>("\x09").ok());
}

TEST(LedgerRowsTest, KeysOfDifferentDomainsNeverMeet) {
  EXPECT_NE(ItemKey("a", "bc"), ItemKey("ab", "c"));
  EXPECT_LT(NumberKey(255), NumberKey(256));
}

}  // namespace
}  // namespace limbeck::cache
