// Random work by many threads over two ledgers on one engine: money is conserved, no ceiling is
// passed, every key is bought by one caller at a time, and every acknowledged answer is there.
#include <atomic>
#include <random>
#include <set>
#include <thread>

#include "base/file.h"
#include "cache/ledger/ledger_test_support.h"

namespace limbeck::cache {
namespace {

constexpr int kThreads = 8;
constexpr int kRounds = 150;
constexpr int kKeys = 300;
constexpr int64_t kCeiling = 4000;

class LedgerMoneyTest : public testing::TestWithParam<const char*> {};

// One caller. Live claims of all callers are in `held`, to catch a key given to two.
class Buyer {
 public:
  Buyer(Ledger* ledger, uint32_t seed, int number, std::set<std::string>* held, absl::Mutex* mu)
      : ledger_(ledger), random_(seed + static_cast<uint32_t>(number)), held_(held), mu_(mu) {}

  void Run() {
    for (int round = 0; round < kRounds; ++round) {
      std::vector<std::string> queries;
      for (uint32_t n = 1 + random_() % 6; n > 0; --n) {
        queries.push_back("q" + std::to_string(random_() % kKeys));
      }
      AcquireRequest request = MakeAcquire(queries, random_() % 3, 1 + random_() % 20);
      request.request_id = std::to_string(random_());
      if (random_() % 3 == 0) request.accounts = {"team/a"};
      auto results = ledger_->Acquire(request);
      ASSERT_TRUE(results.ok()) << results.status();
      if (random_() % 4 == 0) results = ledger_->Acquire(request);
      for (size_t i = 0; i < results->size(); ++i) {
        if ((*results)[i].kind == AcquireResult::Kind::kYours) {
          Finish(request.items[i], (*results)[i]);
        }
      }
    }
  }

  std::set<std::string> stored;

 private:
  void Finish(const AcquireItem& item, const AcquireResult& claim) {
    {
      absl::MutexLock lock(mu_);
      EXPECT_TRUE(held_->insert(claim.key).second) << "one key was given to two buyers";
    }
    ReleaseItem release{claim.key, claim.fence, ReleaseItem::Reason::kNotBilled, 0, false, ""};
    const uint32_t fate = random_() % 8;
    release.actual_micro_usd = static_cast<int64_t>(random_()) % (item.reserve_micro_usd + 1);
    if (fate == 1) release.reason = ReleaseItem::Reason::kBilledUnusable;
    if (fate == 2 || fate == 3) release.reason = ReleaseItem::Reason::kAmbiguous;
    release.keep_claim = fate == 3;
    // Whoever claims the key next may be asked at any time from here on.
    absl::MutexLock lock(mu_);
    bool ended = false;
    if (fate <= 3) {
      const auto outcomes = ledger_->Release("team/a", {release}, std::to_string(random_()));
      ASSERT_TRUE(outcomes.ok()) << outcomes.status();
      ended = (*outcomes)[0] != ReleaseOutcome::kKept;
    }
    if (!ended) {
      const std::string record = MakeRecord(claim.key, item.top_logprobs);
      const auto outcomes =
          ledger_->Commit("team/a", {{claim.key, claim.fence, record, release.actual_micro_usd}});
      ASSERT_TRUE(outcomes.ok()) << outcomes.status();
      EXPECT_EQ((*outcomes)[0], CommitOutcome::kStored);
      stored.insert(claim.key);
    }
    held_->erase(claim.key);
  }

  Ledger* const ledger_;
  std::mt19937 random_;
  std::set<std::string>* const held_;
  absl::Mutex* const mu_;
};

TEST_P(LedgerMoneyTest, IsConservedUnderConcurrentRandomWork) {
  const uint32_t seed = std::random_device{}();
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  ScopedTempDirectory directory;
  const auto engine = OpenEngine(GetParam(), directory.path() / "kv");
  // Two cache servers on one engine.
  const std::unique_ptr<Ledger> ledgers[] = {OpenLedger(engine.get(), Clock::Real()),
                                             OpenLedger(engine.get(), Clock::Real())};
  ASSERT_TRUE(ledgers[0]->SetCeiling("job/1", kCeiling).ok());
  ASSERT_TRUE(ledgers[0]->SetCeiling("team/a", kCeiling).ok());

  std::set<std::string> held;
  absl::Mutex mu;
  std::vector<std::unique_ptr<Buyer>> buyers;
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    buyers.push_back(std::make_unique<Buyer>(ledgers[i % 2].get(), seed, i, &held, &mu));
    threads.emplace_back([buyer = buyers.back().get()] { buyer->Run(); });
  }
  for (std::thread& thread : threads) thread.join();

  const absl::Status audit = AuditLedger(*engine, true);
  EXPECT_TRUE(audit.ok()) << audit;
  for (const auto& buyer : buyers) {
    for (const std::string& key : buyer->stored) {
      const auto record = ledgers[0]->GetRecord("team/a", key);
      ASSERT_TRUE(record.ok()) << record.status();
      EXPECT_EQ(DecodeRecord(*record)->text, key);
    }
  }
  EXPECT_EQ(ledgers[0]->GetCounters()->claims, 0u);
  EXPECT_GT(ledgers[0]->writer_stats().requests, 0u);
}

INSTANTIATE_TEST_SUITE_P(Engines, LedgerMoneyTest, testing::Values("memory", "rocksdb"),
                         [](const auto& info) { return std::string(info.param); });

}  // namespace
}  // namespace limbeck::cache
