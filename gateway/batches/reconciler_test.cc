#include "gateway/batches/reconciler.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "gateway/teachers/registry.h"

namespace limbeck::gateway {
namespace {

using ::testing::ElementsAre;

class ReconcilerTest : public testing::Test {
 protected:
  ReconcilerTest() {
    for (char i = 0; i < 4; ++i) lines_.push_back({std::string(32, i), static_cast<uint64_t>(i)});
  }
  std::string Answer(size_t line, int status = 200) {
    return absl::StrCat(R"({"custom_id":")", CustomId(lines_[line]),
                        R"(","response":{"status_code":)", status, R"(,"body":{}},"error":null})");
  }
  std::string Expired(size_t line) {
    return absl::StrCat(R"({"custom_id":")", CustomId(lines_[line]),
                        R"(","response":null,"error":{"code":"batch_expired","message":"m"}})");
  }

  std::vector<BatchLine> lines_;
  const BatchApi& api_ = *(*FindProvider("openai"))->batches();
};

// Tricky case 25: unordered output, missing lines, statuses other than 200, partial output.
TEST_F(ReconcilerTest, TrickyCase25ResultsAreMatchedByCustomIdNeverByOrder) {
  Reconciler reconciler(lines_, api_);
  const auto third = reconciler.Take(Answer(3));
  ASSERT_TRUE(third.has_value());
  EXPECT_EQ(third->line, 3u);
  const auto first = reconciler.Take(Answer(1, 429));
  ASSERT_TRUE(first.has_value());
  EXPECT_EQ(first->line, 1u);
  EXPECT_EQ(std::get<http::Response>(first->result).status_code, 429);
  const auto none = reconciler.Take(Expired(0));
  ASSERT_TRUE(none.has_value());
  EXPECT_EQ(std::get<BatchFault>(none->result).code, "batch_expired");
  EXPECT_THAT(reconciler.Missing(), ElementsAre(2));
  EXPECT_EQ(reconciler.tally().answered, 1u);
  EXPECT_EQ(reconciler.tally().failed, 2u);
  EXPECT_EQ(reconciler.tally().missing, 1u);
}

TEST_F(ReconcilerTest, DoubledUnknownAndUnreadableLinesAreCountedAndSettleNothing) {
  Reconciler reconciler(lines_, api_);
  ASSERT_TRUE(reconciler.Take(Answer(0)).has_value());
  EXPECT_FALSE(reconciler.Take(Answer(0, 500)).has_value());
  EXPECT_FALSE(reconciler.Take(R"({"custom_id":"nobody","response":{"status_code":200}})"));
  for (const char* bad : {"", "{", "null", "[]", "{}", R"({"custom_id":7})", "\xff\xfe"}) {
    EXPECT_FALSE(reconciler.Take(bad).has_value()) << bad;
  }
  reconciler.SkipUnreadable();
  EXPECT_EQ(reconciler.tally().duplicates, 1u);
  EXPECT_EQ(reconciler.tally().unknown, 1u);
  EXPECT_EQ(reconciler.tally().unreadable, 8u);
  EXPECT_EQ(reconciler.Missing().size(), 3u);
}

TEST_F(ReconcilerTest, MissingLinesAreBilledOnlyWhereTheProviderCountsMoreAnswers) {
  Reconciler reconciler(lines_, api_);
  ASSERT_TRUE(reconciler.Take(Answer(0)).has_value());
  ASSERT_TRUE(reconciler.Take(Answer(1, 400)).has_value());
  BatchStatus status;
  status.phase = BatchStatus::Phase::kCompleted;
  EXPECT_TRUE(reconciler.MissingMayBeBilled(status));
  status.phase = BatchStatus::Phase::kExpired;
  EXPECT_FALSE(reconciler.MissingMayBeBilled(status));
  status.counts = {4, 1, 3};
  EXPECT_FALSE(reconciler.MissingMayBeBilled(status));
  status.counts = {4, 2, 2};
  EXPECT_TRUE(reconciler.MissingMayBeBilled(status));
}

}  // namespace
}  // namespace limbeck::gateway
