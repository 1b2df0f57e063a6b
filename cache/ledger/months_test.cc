// Ceilings of teams' calendar months.
#include "cache/client/accounts.h"
#include "cache/ledger/ledger_test_support.h"

namespace limbeck::cache {
namespace {

using Kind = AcquireResult::Kind;

class MonthsTest : public testing::Test {
 protected:
  MonthsTest()
      : clock_(absl::FromCivil(absl::CivilSecond(2026, 11, 30, 23, 59, 0), absl::UTCTimeZone())),
        engine_(OpenEngine("memory", "")),
        ledger_(OpenLedger(engine_.get(), &clock_)) {
    EXPECT_TRUE(ledger_->SetCeiling("job/1", 1000).ok());
    EXPECT_TRUE(ledger_->SetCeiling("team/a", 1000, 25).ok());
  }
  ~MonthsTest() override {
    const absl::Status audit = AuditLedger(*engine_, true);
    EXPECT_TRUE(audit.ok()) << audit;
  }

  AcquireResult Acquire(const std::string& query) {
    return (*ledger_->Acquire(MakeAcquire({query})))[0];
  }
  AccountState State(const std::string& account) {
    const auto states = *ledger_->GetSpend({account});
    return states.empty() ? AccountState() : states[0];
  }

  FakeClock clock_;
  std::unique_ptr<kv::Engine> engine_;
  std::unique_ptr<Ledger> ledger_;
};

TEST_F(MonthsTest, AFullMonthRefusesByNameUntilTheNextBegins) {
  EXPECT_EQ(Acquire("a").kind, Kind::kYours);
  EXPECT_EQ(Acquire("b").kind, Kind::kYours);
  const AcquireResult refused = Acquire("c");
  EXPECT_EQ(refused.kind, Kind::kRefused);
  EXPECT_EQ(refused.refused_account, "team/a/2026-11");
  EXPECT_EQ(refused.left_micro_usd, 5);
  clock_.Advance(absl::Minutes(2));
  EXPECT_EQ(Acquire("c").kind, Kind::kYours);
  EXPECT_EQ(State("team/a/2026-11").reserved_micro_usd, 20);
  EXPECT_EQ(State("team/a/2026-12").reserved_micro_usd, 10);
  EXPECT_EQ(State("team/a").reserved_micro_usd, 30);
}

TEST_F(MonthsTest, MoneyCountsForTheMonthInWhichItWasReserved) {
  const AcquireResult claim = Acquire("a");
  clock_.Advance(absl::Minutes(2));
  ASSERT_TRUE(ledger_->Commit("team/a", {{claim.key, claim.fence, MakeRecord("yes"), 7}}).ok());
  EXPECT_EQ(State("team/a/2026-11").spent_micro_usd, 7);
  EXPECT_EQ(State("team/a/2026-12").name, "");
}

TEST_F(MonthsTest, ANewCeilingHoldsForTheMonthThatIsOn) {
  EXPECT_EQ(Acquire("a").kind, Kind::kYours);
  EXPECT_EQ(Acquire("b").kind, Kind::kYours);
  ASSERT_TRUE(ledger_->SetCeiling("team/a", 1000, 35).ok());
  EXPECT_EQ(Acquire("c").kind, Kind::kYours);
  EXPECT_EQ(Acquire("d").kind, Kind::kRefused);
  ASSERT_TRUE(ledger_->SetCeiling("team/a", 1000).ok());
  EXPECT_EQ(Acquire("d").kind, Kind::kYours);
  EXPECT_EQ(State("team/a/2026-11").ceiling_micro_usd, kNoCeiling);
}

TEST_F(MonthsTest, ATeamWithoutMonthlyCeilingHasMonthsAllTheSame) {
  ASSERT_TRUE(ledger_->SetCeiling("team/a", 1000).ok());
  EXPECT_EQ(Acquire("a").kind, Kind::kYours);
  EXPECT_EQ(State("team/a/2026-11").reserved_micro_usd, 10);
  EXPECT_EQ(State("team/a/2026-11").ceiling_micro_usd, kNoCeiling);
}

TEST_F(MonthsTest, OnlyTeamsHaveThem) {
  EXPECT_EQ(ledger_->SetCeiling("job/1", 1000, 5).status().code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(ledger_->SetCeiling("team/a", 1000, -5).status().code(),
            absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace limbeck::cache
