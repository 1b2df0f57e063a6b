#include "cache/ledger/ledger.h"

#include "cache/ledger/ledger_test_support.h"

namespace limbeck::cache {
namespace {

using Kind = AcquireResult::Kind;

class LedgerTest : public testing::Test {
 protected:
  LedgerTest() : engine_(OpenEngine("memory", "")), ledger_(OpenLedger(engine_.get(), &clock_)) {
    SetCeilings(1000);
  }
  ~LedgerTest() override {
    const absl::Status audit = AuditLedger(*engine_, true);
    EXPECT_TRUE(audit.ok()) << audit;
  }

  void SetCeilings(int64_t ceiling) {
    EXPECT_TRUE(ledger_->SetCeiling("job/1", ceiling).ok());
    EXPECT_TRUE(ledger_->SetCeiling("team/a", ceiling).ok());
  }
  std::vector<AcquireResult> Acquire(const AcquireRequest& request) {
    auto results = ledger_->Acquire(request);
    EXPECT_TRUE(results.ok()) << results.status();
    return results.ok() ? *results : std::vector<AcquireResult>(request.items.size());
  }
  AcquireResult AcquireOne(const AcquireRequest& request) { return Acquire(request)[0]; }
  CommitOutcome Commit(const AcquireResult& claim, const std::string& record, int64_t actual) {
    const auto outcomes = ledger_->Commit("team/a", {{claim.key, claim.fence, record, actual}});
    EXPECT_TRUE(outcomes.ok()) << outcomes.status();
    return outcomes.ok() ? (*outcomes)[0] : CommitOutcome::kKeptAsLate;
  }
  ReleaseOutcome Release(const AcquireResult& claim, ReleaseItem::Reason reason, bool keep = false,
                         int64_t actual = 0, const std::string& id = "") {
    const auto outcomes =
        ledger_->Release("team/a", {{claim.key, claim.fence, reason, actual, keep, "note"}}, id);
    EXPECT_TRUE(outcomes.ok()) << outcomes.status();
    return outcomes.ok() ? (*outcomes)[0] : ReleaseOutcome::kNotHeld;
  }
  AccountState Job() {
    const auto states = ledger_->GetSpend({"job/1"});
    EXPECT_TRUE(states.ok() && states->size() == 1);
    return (*states)[0];
  }

  FakeClock clock_;
  std::unique_ptr<kv::Engine> engine_;
  std::unique_ptr<Ledger> ledger_;
};

TEST_F(LedgerTest, BuysOnceThenServes) {
  AcquireRequest request = MakeAcquire({"q"});
  const AcquireResult claim = AcquireOne(request);
  ASSERT_EQ(claim.kind, Kind::kYours);
  EXPECT_EQ(claim.key.size(), 32u);
  EXPECT_EQ(Job().reserved_micro_usd, 10);
  EXPECT_EQ(AcquireOne(request).kind, Kind::kWait);
  EXPECT_EQ(Commit(claim, MakeRecord("yes"), 7), CommitOutcome::kStored);

  request.include_records = true;
  const AcquireResult hit = AcquireOne(request);
  EXPECT_EQ(hit.kind, Kind::kHit);
  EXPECT_EQ(hit.record, MakeRecord("yes"));
  const AccountState job = Job();
  EXPECT_EQ(job.reserved_micro_usd, 0);
  EXPECT_EQ(job.spent_micro_usd, 7);
  EXPECT_EQ(job.answers_bought, 1u);
  EXPECT_EQ(job.answers_reused, 1u);
  EXPECT_EQ(*ledger_->GetRecord("team/a", claim.key), MakeRecord("yes"));
}

TEST_F(LedgerTest, ClaimsOfADayOutliveRestartsAndAreAskedForSeldom) {
  AcquireRequest request = MakeAcquire({"q"});
  request.owner = {"job/1/batches", 1};
  request.request_id = "batches/1";
  request.claim_life = absl::Hours(30);
  const AcquireResult claim = AcquireOne(request);
  ASSERT_EQ(claim.kind, Kind::kYours);
  // Another run of the same job is given the same claim, whoever else waits.
  EXPECT_EQ(AcquireOne(request).fence, claim.fence);
  const AcquireResult other = AcquireOne(MakeAcquire({"q"}));
  EXPECT_EQ(other.kind, Kind::kWait);
  EXPECT_EQ(other.retry_after, absl::Seconds(10));
  EXPECT_EQ(Job().reserved_micro_usd, 10);
}

TEST_F(LedgerTest, DomainsDoNotShare) {
  AcquireRequest request = MakeAcquire({"q"});
  const AcquireResult claim = AcquireOne(request);
  Commit(claim, MakeRecord("yes"), 7);
  request.domain = "team/b";
  const AcquireResult other = AcquireOne(request);
  EXPECT_EQ(other.kind, Kind::kYours);
  EXPECT_NE(other.key, claim.key);
  EXPECT_EQ(ledger_->GetRecord("team/b", claim.key).status().code(), absl::StatusCode::kNotFound);
}

TEST_F(LedgerTest, EqualItemsOfOneRequestAreClaimedOnce) {
  AcquireRequest request = MakeAcquire({"q", "q"});
  request.request_id = "r1";
  for (int attempt = 0; attempt < 2; ++attempt) {
    const std::vector<AcquireResult> results = Acquire(request);
    EXPECT_EQ(results[0].kind, Kind::kYours);
    EXPECT_EQ(results[1].kind, Kind::kWait);
  }
  EXPECT_EQ(Job().reserved_micro_usd, 10);
}

TEST_F(LedgerTest, ARetryOfTheSameAttemptGetsItsClaimAgain) {
  AcquireRequest request = MakeAcquire({"q"});
  request.request_id = "r1";
  const AcquireResult first = AcquireOne(request);
  const AcquireResult again = AcquireOne(request);
  EXPECT_EQ(again.kind, Kind::kYours);
  EXPECT_EQ(again.fence, first.fence);
  request.request_id = "r2";
  EXPECT_EQ(AcquireOne(request).kind, Kind::kWait);
  request.request_id = "";
  EXPECT_EQ(AcquireOne(request).kind, Kind::kWait);
  EXPECT_EQ(Job().reserved_micro_usd, 10);
}

TEST_F(LedgerTest, ServesSmallerKFromLargerAndBuysLargerAnew) {
  const AcquireResult five = AcquireOne(MakeAcquire({"q"}, 5));
  Commit(five, MakeRecord("five", 5), 1);
  EXPECT_EQ(AcquireOne(MakeAcquire({"q"}, 0)).kind, Kind::kHit);
  EXPECT_EQ(AcquireOne(MakeAcquire({"q"}, 5)).kind, Kind::kHit);
  const AcquireResult twenty = AcquireOne(MakeAcquire({"q"}, 20));
  ASSERT_EQ(twenty.kind, Kind::kYours);
  EXPECT_EQ(twenty.key, five.key);
  EXPECT_EQ(AcquireOne(MakeAcquire({"q"}, 5)).kind, Kind::kHit) << "served while k = 20 is bought";
  Commit(twenty, MakeRecord("twenty", 20), 1);
  EXPECT_EQ(*ledger_->GetRecord("team/a", five.key), MakeRecord("twenty", 20));
  EXPECT_EQ(*engine_->Get(kRecordTable, NumberKey(1)), MakeRecord("five", 5));
  EXPECT_EQ(Commit(five, MakeRecord("five", 5), 1), CommitOutcome::kStored) << "a late retry";
  EXPECT_EQ(Job().spent_micro_usd, 2);
}

TEST_F(LedgerTest, ARefusalServesWhatItWasAskedForAndAnAnswerWithoutCandidatesDoesNot) {
  SoftOutput output;
  output.text = "no";
  output.top_logprobs = 5;
  Commit(AcquireOne(MakeAcquire({"bare"}, 5)), EncodeRecord(output), 1);
  EXPECT_EQ(AcquireOne(MakeAcquire({"bare"}, 5)).kind, Kind::kYours);
  for (const FinishReason reason : {FinishReason::kRefusal, FinishReason::kFilter}) {
    output.finish_reason = reason;
    const std::string query = absl::StrCat("refused ", static_cast<int>(reason));
    Commit(AcquireOne(MakeAcquire({query}, 5)), EncodeRecord(output), 1);
    EXPECT_EQ(AcquireOne(MakeAcquire({query}, 5)).kind, Kind::kHit);
    EXPECT_EQ(AcquireOne(MakeAcquire({query}, 6)).kind, Kind::kYours);
  }
}

TEST_F(LedgerTest, ARecordThatServesLessNeverReplacesOneThatServesMore) {
  Commit(AcquireOne(MakeAcquire({"q"}, 5)), MakeRecord("five", 5), 1);
  const AcquireResult claim = AcquireOne(MakeAcquire({"q"}, 20));
  EXPECT_EQ(Commit(claim, MakeRecord("text"), 1), CommitOutcome::kStored);
  EXPECT_EQ(*ledger_->GetRecord("team/a", claim.key), MakeRecord("five", 5));
  EXPECT_EQ(ledger_->GetCounters()->late_records, 1u);
}

TEST_F(LedgerTest, RefusesWhatWouldPassAnyCeiling) {
  ASSERT_TRUE(ledger_->SetCeiling("team/a", 25).ok());
  const std::vector<AcquireResult> results = Acquire(MakeAcquire({"a", "b", "c"}));
  EXPECT_EQ(results[1].kind, Kind::kYours);
  ASSERT_EQ(results[2].kind, Kind::kRefused);
  EXPECT_EQ(results[2].refused_account, "team/a");
  EXPECT_EQ(results[2].left_micro_usd, 5);
  EXPECT_EQ(Job().reserved_micro_usd, 20);
  ASSERT_TRUE(ledger_->SetCeiling("team/a", 30).ok());
  EXPECT_EQ(AcquireOne(MakeAcquire({"c"})).kind, Kind::kYours);
}

TEST_F(LedgerTest, AnAccountWithoutCeilingHasNoRoom) {
  AcquireRequest request = MakeAcquire({"q"});
  request.accounts = {"job/unknown"};
  const AcquireResult result = AcquireOne(request);
  EXPECT_EQ(result.kind, Kind::kRefused);
  EXPECT_EQ(result.refused_account, "job/unknown");
}

TEST_F(LedgerTest, LookupClaimsNothing) {
  AcquireRequest request = MakeAcquire({"q"});
  request.lookup_only = true;
  EXPECT_EQ(AcquireOne(request).kind, Kind::kAbsent);
  EXPECT_EQ(Job().reserved_micro_usd, 0);
  Commit(AcquireOne(MakeAcquire({"q"})), MakeRecord("yes"), 1);
  EXPECT_EQ(AcquireOne(request).kind, Kind::kHit);
}

TEST_F(LedgerTest, CommitIsIdempotentPerFence) {
  const AcquireResult claim = AcquireOne(MakeAcquire({"q"}));
  EXPECT_EQ(Commit(claim, MakeRecord("yes"), 7), CommitOutcome::kStored);
  EXPECT_EQ(Commit(claim, MakeRecord("yes"), 7), CommitOutcome::kStored);
  EXPECT_EQ(Job().spent_micro_usd, 7);
  EXPECT_EQ(ledger_->GetCounters()->records, 1u);
}

TEST_F(LedgerTest, AnEarlierIncarnationsClaimBecomesAmbiguousAtOnce) {
  const AcquireResult dead = AcquireOne(MakeAcquire({"q"}));
  AcquireRequest request = MakeAcquire({"q"});
  request.owner.incarnation = 2;
  const AcquireResult claim = AcquireOne(request);
  ASSERT_EQ(claim.kind, Kind::kYours);
  EXPECT_GT(claim.fence, dead.fence);
  AccountState job = Job();
  EXPECT_EQ(job.ambiguous_micro_usd, 10);
  EXPECT_EQ(job.spent_micro_usd, 10);
  EXPECT_EQ(job.reserved_micro_usd, 10);
  EXPECT_EQ(job.calls_ambiguous, 1u);
  const auto page = ledger_->ListAmbiguous("job/1", 0, 10);
  ASSERT_TRUE(page.ok());
  ASSERT_EQ(page->calls.size(), 1u);
  EXPECT_EQ(page->calls[0].row.fence, dead.fence);

  // The dead claim's answer arrives after all: kept aside, its money known.
  EXPECT_EQ(Commit(dead, MakeRecord("late"), 4), CommitOutcome::kKeptAsLate);
  EXPECT_EQ(Commit(dead, MakeRecord("late"), 4), CommitOutcome::kKeptAsLate);
  EXPECT_EQ(Commit(claim, MakeRecord("first"), 6), CommitOutcome::kStored);
  EXPECT_EQ(*ledger_->GetRecord("team/a", claim.key), MakeRecord("first"));
  job = Job();
  EXPECT_EQ(job.spent_micro_usd, 10);
  EXPECT_EQ(job.ambiguous_micro_usd, 0);
  EXPECT_EQ(job.calls_ambiguous, 0u);
}

TEST_F(LedgerTest, AnExpiredClaimCanBeClaimedByOthers) {
  AcquireRequest request = MakeAcquire({"q"});
  request.claim_life = absl::Seconds(60);
  const AcquireResult first = AcquireOne(request);
  request.owner.gateway = "gateway-1";
  clock_.Advance(absl::Seconds(59));
  EXPECT_EQ(AcquireOne(request).kind, Kind::kWait);
  clock_.Advance(absl::Seconds(1));
  const AcquireResult second = AcquireOne(request);
  EXPECT_EQ(second.kind, Kind::kYours);
  EXPECT_GT(second.fence, first.fence);
  EXPECT_EQ(Job().ambiguous_micro_usd, 10);
}

TEST_F(LedgerTest, AnExpiredClaimNobodyTookStillBringsItsAnswer) {
  AcquireRequest request = MakeAcquire({"q"});
  const AcquireResult claim = AcquireOne(request);
  clock_.Advance(absl::Hours(1));
  EXPECT_EQ(Commit(claim, MakeRecord("yes"), 7), CommitOutcome::kStored);
  EXPECT_EQ(Job().spent_micro_usd, 7);
  EXPECT_EQ(Job().ambiguous_micro_usd, 0);
}

TEST_F(LedgerTest, WallClockJumpsNeitherEndNorExtendClaims) {
  AcquireRequest request = MakeAcquire({"q"});
  request.claim_life = absl::Seconds(60);
  AcquireOne(request);
  request.owner.gateway = "gateway-1";
  for (const absl::Duration jump : {absl::Hours(1), absl::Hours(87'600), -absl::Hours(175'200)}) {
    clock_.JumpWall(jump);
    EXPECT_EQ(AcquireOne(request).kind, Kind::kWait) << jump;
  }
  clock_.Advance(absl::Seconds(60));
  EXPECT_EQ(AcquireOne(request).kind, Kind::kYours);
}

TEST_F(LedgerTest, ClaimsOutliveARestart) {
  AcquireRequest request = MakeAcquire({"q"});
  request.request_id = "r1";
  const AcquireResult claim = AcquireOne(request);
  ledger_.reset();
  ledger_ = OpenLedger(engine_.get(), &clock_);
  EXPECT_EQ(AcquireOne(MakeAcquire({"q"})).kind, Kind::kWait);
  const AcquireResult again = AcquireOne(request);
  EXPECT_EQ(again.fence, claim.fence);
  EXPECT_EQ(again.key, claim.key);
  EXPECT_EQ(Commit(claim, MakeRecord("yes"), 7), CommitOutcome::kStored);
}

TEST_F(LedgerTest, ReleaseGivesBackOrSettles) {
  const std::vector<AcquireResult> claims = Acquire(MakeAcquire({"a", "b", "c"}));
  EXPECT_EQ(Release(claims[0], ReleaseItem::Reason::kNotBilled), ReleaseOutcome::kReleased);
  EXPECT_EQ(Release(claims[1], ReleaseItem::Reason::kBilledUnusable, false, 3),
            ReleaseOutcome::kReleased);
  EXPECT_EQ(Release(claims[2], ReleaseItem::Reason::kAmbiguous), ReleaseOutcome::kReleased);
  const AccountState job = Job();
  EXPECT_EQ(job.reserved_micro_usd, 0);
  EXPECT_EQ(job.spent_micro_usd, 13);
  EXPECT_EQ(job.ambiguous_micro_usd, 10);
  EXPECT_EQ(job.answers_bought, 0u);
  EXPECT_EQ(Release(claims[0], ReleaseItem::Reason::kNotBilled), ReleaseOutcome::kNotHeld);
  EXPECT_EQ(AcquireOne(MakeAcquire({"a"})).kind, Kind::kYours);
}

TEST_F(LedgerTest, AmbiguousWithAnotherTryReservesAgain) {
  SetCeilings(25);
  AcquireRequest request = MakeAcquire({"q"});
  const AcquireResult claim = AcquireOne(request);
  EXPECT_EQ(Release(claim, ReleaseItem::Reason::kAmbiguous, true, 0, "x1"), ReleaseOutcome::kKept);
  EXPECT_EQ(Release(claim, ReleaseItem::Reason::kAmbiguous, true, 0, "x1"), ReleaseOutcome::kKept)
      << "a retry of the same release changes nothing";
  EXPECT_EQ(Job().ambiguous_micro_usd, 10);
  EXPECT_EQ(Job().reserved_micro_usd, 10);
  EXPECT_EQ(Release(claim, ReleaseItem::Reason::kAmbiguous, true, 0, "x2"),
            ReleaseOutcome::kNoMoney);
  EXPECT_EQ(Job().ambiguous_micro_usd, 20);
  EXPECT_EQ(Job().reserved_micro_usd, 0);
  EXPECT_EQ(ledger_->ListAmbiguous("", 0, 1)->next_after, 1u);
  EXPECT_EQ(ledger_->ListAmbiguous("", 1, 10)->calls.size(), 1u);
  EXPECT_EQ(ledger_->ListAmbiguous("job/other", 0, 10)->calls.size(), 0u);
}

TEST_F(LedgerTest, RefusesFencesThatWereNeverGivenAndDamagedRecords) {
  const std::vector<AcquireResult> claims = Acquire(MakeAcquire({"a", "b"}));
  std::string damaged = MakeRecord("yes");
  damaged[50] ^= 1;
  for (const CommitItem& bad : {CommitItem{claims[1].key, 99, MakeRecord("x"), 1},
                                CommitItem{claims[0].key, claims[1].fence, MakeRecord("x"), 1},
                                CommitItem{claims[1].key, claims[1].fence, damaged, 1},
                                CommitItem{"short", claims[1].fence, MakeRecord("x"), 1},
                                CommitItem{claims[1].key, claims[1].fence, MakeRecord("x"), -1}}) {
    const auto outcome =
        ledger_->Commit("team/a", {{claims[0].key, claims[0].fence, MakeRecord("good"), 1}, bad});
    EXPECT_EQ(outcome.status().code(), absl::StatusCode::kInvalidArgument);
  }
  EXPECT_EQ(ledger_->GetCounters()->records, 0u) << "nothing of a refused request is stored";
}

TEST_F(LedgerTest, RefusesMalformedAcquires) {
  const auto refused = [&](auto change) {
    AcquireRequest request = MakeAcquire({"q"});
    change(&request);
    EXPECT_EQ(ledger_->Acquire(request).status().code(), absl::StatusCode::kInvalidArgument);
  };
  refused([](AcquireRequest* r) { r->domain = ""; });
  refused([](AcquireRequest* r) { r->accounts = {}; });
  refused([](AcquireRequest* r) { r->accounts = {"job/1", "job/1"}; });
  refused([](AcquireRequest* r) { r->items[0].reserve_micro_usd = -1; });
  refused([](AcquireRequest* r) { r->items[0].canonical_request = ""; });
  refused([](AcquireRequest* r) { r->claim_life = absl::InfiniteDuration(); });
  refused([](AcquireRequest* r) { r->items.resize(kMaxBatchItems + 1, r->items[0]); });
}

TEST_F(LedgerTest, ReadingADamagedRecordNamesItsKey) {
  const AcquireResult claim = AcquireOne(MakeAcquire({"q"}));
  Commit(claim, MakeRecord("yes"), 1);
  kv::WriteBatch batch;
  batch.Put(kRecordTable, NumberKey(1), "garbage");
  ASSERT_TRUE(engine_->Write(batch).ok());
  EXPECT_EQ(ledger_->GetRecord("team/a", claim.key).status().code(), absl::StatusCode::kDataLoss);
}

}  // namespace
}  // namespace limbeck::cache
