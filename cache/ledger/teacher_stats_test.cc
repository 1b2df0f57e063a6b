#include "cache/ledger/teacher_stats.h"

#include "cache/ledger/ledger_test_support.h"

namespace limbeck::cache {
namespace {

constexpr CallUsage kUsage = {.reported = true,
                              .input_tokens = 25,
                              .cached_input_tokens = 0,
                              .output_tokens = 3,
                              .prompt_bytes = 100,
                              .micros = 1000};

TEST(TeacherStatsTest, OnlyReportedUsageOfAKnownPromptCounts) {
  TeacherStats stats;
  AddCall(kUsage, &stats);
  CallUsage missing = kUsage;
  missing.reported = false;
  AddCall(missing, &stats);
  CallUsage unknown = kUsage;
  unknown.prompt_bytes = 0;
  AddCall(unknown, &stats);
  EXPECT_EQ(stats.calls, 1u);
  EXPECT_EQ(stats.prompt_bytes, 100u);
  EXPECT_EQ(stats.input_tokens, 25u);
  EXPECT_EQ(stats.input_rate_sum, 250u);
  EXPECT_EQ(stats.input_rate_squares, 250u * 250u);
  EXPECT_EQ(stats.output_squares, 9u);
  EXPECT_EQ(stats.micros, 1000u);
}

TEST(TeacherStatsTest, AbsurdNumbersAreCut) {
  TeacherStats stats;
  CallUsage absurd = kUsage;
  absurd.input_tokens = absurd.output_tokens = absurd.micros = UINT64_MAX;
  AddCall(absurd, &stats);
  EXPECT_EQ(stats.output_tokens, 10'000'000u);
  EXPECT_EQ(stats.input_rate_sum, 100'000u);
}

TEST(TeacherStatsTest, CommitsAddUpPerDomainAndTeacherOnce) {
  const auto engine = OpenEngine("memory", "");
  const auto ledger = OpenLedger(engine.get(), Clock::Real());
  ASSERT_TRUE(ledger->SetCeiling("job/1", 1000).ok());
  ASSERT_TRUE(ledger->SetCeiling("team/a", 1000).ok());
  AcquireRequest request = MakeAcquire({"a", "b"});
  request.teacher = "open";
  const auto claims = *ledger->Acquire(request);
  std::vector<CommitItem> items;
  for (const AcquireResult& claim : claims) {
    items.push_back({claim.key, claim.fence, MakeRecord("yes"), 1, kUsage});
  }
  ASSERT_TRUE(ledger->Commit("team/a", items).ok());
  ASSERT_TRUE(ledger->Commit("team/a", items).ok());
  EXPECT_EQ(ledger->GetTeacherStats("team/a", "open")->calls, 2u);
  EXPECT_EQ(ledger->GetTeacherStats("team/a", "other")->calls, 0u);
  EXPECT_EQ(ledger->GetTeacherStats("team/b", "open")->calls, 0u);
}

TEST(TeacherStatsTest, SumsAreHalvedBeyondTheMostCalls) {
  const auto engine = OpenEngine("memory", "");
  const HotRows none;
  Transaction transaction(engine.get(), &none);
  TeacherStats added;
  added.calls = kMaxStatsCalls;
  added.input_tokens = 1000;
  ASSERT_TRUE(AddTeacherStats(&transaction, "team/a", {{"open", added}}).ok());
  ASSERT_TRUE(AddTeacherStats(&transaction, "team/a", {{"open", added}}).ok());
  const auto stats = *transaction.GetRow<TeacherStats>(kTeacherTable, ItemKey("team/a", "open"));
  EXPECT_EQ(stats->calls, kMaxStatsCalls);
  EXPECT_EQ(stats->input_tokens, 1000u);
}

}  // namespace
}  // namespace limbeck::cache
