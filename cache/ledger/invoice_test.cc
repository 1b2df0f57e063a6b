#include "cache/ledger/invoice.h"

#include <gmock/gmock.h>

#include "base/hash.h"
#include "cache/ledger/ledger_test_support.h"

namespace limbeck::cache {
namespace {

using Kind = InvoiceEntry::Kind;
using Reason = ReleaseItem::Reason;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class InvoiceTest : public testing::Test {
 protected:
  InvoiceTest() : engine_(OpenEngine("memory", "")), ledger_(OpenLedger(engine_.get(), &clock_)) {
    EXPECT_TRUE(ledger_->SetCeiling("job/1", 1000).ok());
    EXPECT_TRUE(ledger_->SetCeiling("job/2", 1000).ok());
    EXPECT_TRUE(ledger_->SetCeiling("team/a", 1000).ok());
  }

  std::vector<AcquireResult> Acquire(const std::vector<std::string>& queries,
                                     const std::string& job = "job/1") {
    AcquireRequest request = MakeAcquire(queries);
    request.accounts = {job, "team/a"};
    request.teacher = "open";
    for (AcquireItem& item : request.items) {
      item.estimate_micro_usd = 4;
      item.row = "train:" + item.canonical_request;
    }
    return *ledger_->Acquire(request);
  }
  void Commit(const AcquireResult& claim, int64_t actual) {
    CommitItem item{claim.key, claim.fence, MakeRecord("yes"), actual};
    item.usage = {.reported = true,
                  .input_tokens = 30,
                  .cached_input_tokens = 5,
                  .output_tokens = 1,
                  .prompt_bytes = 100,
                  .micros = 7};
    ASSERT_TRUE(ledger_->Commit("team/a", {item}).ok());
  }
  void Release(const AcquireResult& claim, Reason reason, bool keep = false, int64_t actual = 0) {
    ReleaseItem item{claim.key, claim.fence, reason, actual, keep, "why"};
    ASSERT_TRUE(ledger_->Release("team/a", {item}, "").ok());
  }
  absl::StatusOr<InvoiceTotal> Read(const std::string& account) {
    lines_.clear();
    return ledger_->ReadInvoice(account, [this](const InvoiceEntry& entry) {
      lines_.push_back(entry);
      return absl::OkStatus();
    });
  }
  std::vector<Kind> Kinds() const {
    std::vector<Kind> kinds;
    for (const InvoiceEntry& line : lines_) kinds.push_back(line.kind);
    return kinds;
  }

  FakeClock clock_;
  std::unique_ptr<kv::Engine> engine_;
  std::unique_ptr<Ledger> ledger_;
  std::vector<InvoiceEntry> lines_;
};

TEST_F(InvoiceTest, EveryFateOfAClaimIsALineAndTheSumsAreTheAccounts) {
  const auto claims = Acquire({"a", "b", "c", "d", "e", "f"});
  Commit(claims[0], 7);
  Release(claims[1], Reason::kNotBilled);
  Release(claims[2], Reason::kBilledUnusable, false, 9);
  Release(claims[3], Reason::kAmbiguous);
  Release(claims[4], Reason::kAmbiguous, true);
  Commit(claims[4], 3);
  const auto total = Read("job/1");
  ASSERT_TRUE(total.ok()) << total.status();
  EXPECT_THAT(Kinds(), ElementsAre(Kind::kBought, Kind::kUnused, Kind::kUnusable, Kind::kAmbiguous,
                                   Kind::kAmbiguous, Kind::kBought, Kind::kOpen));
  EXPECT_EQ(total->entries, 7u);
  EXPECT_EQ(total->account.spent_micro_usd, 7 + 9 + 10 + 10 + 3);
  EXPECT_EQ(total->account.reserved_micro_usd, 10);
  const InvoiceEntry& bought = lines_[0];
  EXPECT_EQ(bought.key, claims[0].key);
  EXPECT_EQ(bought.row, "train:a");
  EXPECT_EQ(bought.teacher, "open");
  EXPECT_TRUE(bought.usage.reported);
  EXPECT_EQ(bought.usage.cached_input_tokens, 5u);
  EXPECT_EQ(bought.estimate_micro_usd, 4);
  EXPECT_EQ(bought.reserved_micro_usd, 10);
  EXPECT_EQ(bought.unix_micros, absl::ToUnixMicros(clock_.WallNow()));
  EXPECT_EQ(lines_[2].note, "why");
  EXPECT_FALSE(lines_[2].usage.reported);
}

TEST_F(InvoiceTest, WhatOthersBoughtIsCachedAndWhatTheJobBoughtItselfIsNot) {
  Commit(Acquire({"a"})[0], 7);
  EXPECT_EQ(Acquire({"a"})[0].kind, AcquireResult::Kind::kHit);
  EXPECT_EQ(Acquire({"a"}, "job/2")[0].kind, AcquireResult::Kind::kHit);
  EXPECT_EQ(Acquire({"a"}, "job/2")[0].kind, AcquireResult::Kind::kHit);
  ASSERT_TRUE(Read("job/1").ok());
  EXPECT_THAT(Kinds(), ElementsAre(Kind::kBought));
  ASSERT_TRUE(Read("job/2").ok());
  EXPECT_THAT(Kinds(), ElementsAre(Kind::kCached));
  EXPECT_EQ(lines_[0].micro_usd, 0);
  EXPECT_EQ(lines_[0].row, "train:a");
  EXPECT_EQ(lines_[0].key.size(), 32u);
}

TEST_F(InvoiceTest, AJobsLinesAreItsOwnAmongOthersOfTheTeam) {
  for (const char* query : {"a", "b", "c"}) {
    Commit(Acquire({query}, "job/1")[0], 1);
    Commit(Acquire({std::string(query) + "2"}, "job/2")[0], 2);
  }
  EXPECT_EQ(Read("job/2")->account.spent_micro_usd, 6);
  EXPECT_EQ(lines_.size(), 3u);
  EXPECT_EQ(Read("team/a")->account.spent_micro_usd, 9);
  EXPECT_EQ(lines_.size(), 6u);
}

TEST_F(InvoiceTest, AnUnknownAccountIsNotFoundAndAVisitorMayStop) {
  EXPECT_EQ(Read("job/none").status().code(), absl::StatusCode::kNotFound);
  Commit(Acquire({"a"})[0], 7);
  const auto stopped = ledger_->ReadInvoice(
      "job/1", [](const InvoiceEntry&) { return absl::CancelledError("enough"); });
  EXPECT_EQ(stopped.status().code(), absl::StatusCode::kCancelled);
}

TEST_F(InvoiceTest, LinesThatDoNotAddUpAreDataLoss) {
  const auto claim = Acquire({"a"})[0];
  Commit(claim, 7);
  kv::WriteBatch batch;
  batch.Delete(kLedgerTable, NumberKey(claim.fence));
  ASSERT_TRUE(engine_->Write(batch).ok());
  const absl::Status read = Read("job/1").status();
  EXPECT_EQ(read.code(), absl::StatusCode::kDataLoss);
  EXPECT_THAT(std::string(read.message()), HasSubstr("has spent 7"));
}

TEST_F(InvoiceTest, RowsWrittenBeforeThereWereInvoicesAreReadToo) {
  const auto claim = Acquire({"a"})[0];
  Commit(claim, 7);
  // An account row of version 1 ends where version 2 goes on.
  AccountState state = (*ledger_->GetSpend({"job/1"}))[0];
  std::string bytes = Encode(state);
  AccountState empty = state;
  empty.first_fence = empty.last_fence = 0;
  bytes = Encode(empty);
  bytes[0] = 1;
  bytes.resize(bytes.size() - sizeof(int64_t) - 2);
  kv::WriteBatch batch;
  batch.Put(kAccountTable, "job/1", bytes);
  ASSERT_TRUE(engine_->Write(batch).ok());
  ledger_ = OpenLedger(engine_.get(), &clock_);
  ASSERT_TRUE(Read("job/1").ok());
  EXPECT_EQ(lines_.size(), 1u);
  Commit(Acquire({"b"})[0], 2);
  EXPECT_EQ(Read("job/1")->account.spent_micro_usd, 9);
  EXPECT_EQ(lines_.size(), 2u);
}

}  // namespace
}  // namespace limbeck::cache
