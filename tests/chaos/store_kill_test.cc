// SIGKILL to the store while writers work (row 1 of the reliability plan). What it acknowledged is
// kept outside of it.
#include <grpcpp/create_channel.h>
#include <gtest/gtest.h>

#include <atomic>
#include <iostream>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "base/hash.h"
#include "cache/client/grpc_cache_client.h"
#include "cache/records/record_codec.h"
#include "tests/chaos/chaos.h"
#include "tests/support/cluster.h"

namespace limbeck::testing {
namespace {

constexpr int kKills = 20;
constexpr int kKillsInALongRun = 100;
constexpr int kWriters = 4;
constexpr int64_t kPrice = 7;
constexpr int64_t kReserve = 10;
constexpr const char* kDomain = "team/a";
constexpr const char* kAccount = "job/1";

struct Answer {
  std::string request;
  uint64_t record_hash = 0;
};

// What the writers were told. Thread-safe.
class Log {
 public:
  void Add(std::vector<Answer> answers) {
    absl::MutexLock lock(&mu_);
    for (Answer& answer : answers) answers_.push_back(std::move(answer));
  }
  size_t size() const {
    absl::MutexLock lock(&mu_);
    return answers_.size();
  }
  std::vector<Answer> all() const {
    absl::MutexLock lock(&mu_);
    return answers_;
  }

 private:
  mutable absl::Mutex mu_;
  std::vector<Answer> answers_ ABSL_GUARDED_BY(mu_);
};

// gRPC waits a second before it connects again, which would be most of the test.
std::unique_ptr<cache::CacheClient> NewClient(const std::string& target) {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 5);
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, 20);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 20);
  cache::CacheClientOptions options;
  options.backoff = {absl::Milliseconds(2), absl::Milliseconds(20)};
  // On a busy machine many stores in a row may die before they have answered.
  options.deadline = HangGuard();
  return cache::NewCacheClient(
      grpc::CreateCustomChannel(target, grpc::InsecureChannelCredentials(), arguments), options);
}

std::string Record(StableRandom* random) {
  cache::SoftOutput output;
  output.text.resize(100 + random->Below(5000));
  for (char& c : output.text) c = static_cast<char>('a' + random->Below(26));
  return cache::EncodeRecord(output);
}

cache::AcquireRequest Request(const std::vector<std::string>& requests) {
  cache::AcquireRequest request;
  request.domain = kDomain;
  request.accounts = {kAccount};
  request.owner = {"gateway-0", 1};
  for (const std::string& one : requests) request.items.push_back({one, 0, kReserve});
  return request;
}

// Buys one batch; what was acknowledged.
absl::StatusOr<std::vector<Answer>> BuyBatch(cache::CacheClient* client,
                                             const std::vector<std::string>& requests,
                                             StableRandom* random) {
  const auto claims = client->Acquire(Request(requests));
  if (!claims.ok()) return claims.status();
  std::vector<cache::CommitItem> commits;
  std::vector<Answer> answers;
  for (size_t i = 0; i < claims->size(); ++i) {
    const cache::AcquireResult& claim = (*claims)[i];
    if (claim.kind != cache::AcquireResult::Kind::kYours) {
      return absl::InternalError(absl::StrCat("no claim for a new key: ", requests[i]));
    }
    commits.push_back({claim.key, claim.fence, Record(random), kPrice});
    answers.push_back({requests[i], Xxh3(commits.back().record)});
  }
  const auto outcomes = client->Commit(kDomain, commits);
  if (!outcomes.ok()) return outcomes.status();
  for (const cache::CommitOutcome outcome : *outcomes) {
    if (outcome != cache::CommitOutcome::kStored) return absl::InternalError("kept as late");
  }
  return answers;
}

void Write(cache::CacheClient* client, int writer, StableRandom random,
           const std::atomic<bool>* stop, Log* log) {
  for (uint64_t batch = 0; !stop->load(); ++batch) {
    std::vector<std::string> requests;
    for (uint64_t i = 0; i <= random.Below(8); ++i) {
      requests.push_back(absl::StrCat(writer, "/", batch, "/", i));
    }
    auto answers = BuyBatch(client, requests, &random);
    ASSERT_TRUE(answers.ok()) << answers.status();
    log->Add(*std::move(answers));
  }
}

void KillOften(Cluster* cluster, const Log& log, StableRandom* random, uint64_t* kills) {
  const int rounds = IsLongRun() ? kKillsInALongRun : kKills;
  for (int i = 0; i < rounds; ++i) {
    if (random->Below(2) == 0) {
      // Not before something was acknowledged, however slow the machine is.
      const size_t before = log.size();
      ASSERT_TRUE(PollUntil(HangGuard(), [&] { return log.size() > before; })) << cluster->Logs();
    }
    absl::SleepFor(absl::Milliseconds(5 + random->Below(100)));
    ASSERT_TRUE(cluster->Kill("cache").ok());
    if (random->Below(4) == 0) {
      // Once more, while it recovers.
      ASSERT_TRUE(cluster->Launch("cache").ok());
      absl::SleepFor(absl::Microseconds(random->Below(60'000)));
      ASSERT_TRUE(cluster->Kill("cache").ok());
      ++*kills;
    }
    const absl::Status restarted = cluster->Restart("cache");
    ASSERT_TRUE(restarted.ok()) << restarted << cluster->Logs();
    ++*kills;
  }
}

// Every answer is there, byte for byte, and the ledger is their sum.
void ExpectAll(cache::CacheClient* client, const std::vector<Answer>& answers) {
  size_t lost = 0;
  for (const Answer& answer : answers) {
    cache::AcquireRequest request = Request({answer.request});
    request.lookup_only = true;
    request.include_records = true;
    const auto found = client->Acquire(request);
    ASSERT_TRUE(found.ok()) << found.status();
    const bool there = (*found)[0].kind == cache::AcquireResult::Kind::kHit &&
                       Xxh3((*found)[0].record) == answer.record_hash;
    if (!there) ++lost;
  }
  EXPECT_EQ(lost, 0u) << "of " << answers.size() << " acknowledged answers";
  const auto bought = static_cast<int64_t>(answers.size());
  int64_t lines = 0;
  const auto total = client->ReadInvoice(kAccount, [&](const cache::InvoiceEntry& entry) {
    if (entry.kind == cache::InvoiceEntry::Kind::kBought) ++lines;
    return absl::OkStatus();
  });
  ASSERT_TRUE(total.ok()) << total.status();
  EXPECT_EQ(lines, bought);
  EXPECT_EQ(total->account.spent_micro_usd, bought * kPrice);
  EXPECT_EQ(total->account.reserved_micro_usd, 0);
  EXPECT_EQ(total->account.calls_ambiguous, 0u);
}

TEST(StoreKillTest, WhatWasAcknowledgedIsThereAndTheLedgerIsItsSum) {
  uint64_t kills = 0;
  size_t acknowledged = 0;
  RunRounds([&](StableRandom& random) {
    auto cluster = Cluster::Start({.cache_only = true});
    ASSERT_TRUE(cluster.ok()) << cluster.status();
    std::vector<std::unique_ptr<cache::CacheClient>> clients;
    for (int i = 0; i <= kWriters; ++i) {
      clients.push_back(NewClient((*cluster)->cache_target()));
    }
    ASSERT_TRUE(clients.back()->SetCeiling(kAccount, 1'000'000'000).ok());
    Log log;
    std::atomic<bool> stop{false};
    std::vector<std::thread> writers;
    const uint64_t seed = random.Below(1'000'000);
    for (int i = 0; i < kWriters; ++i) {
      writers.emplace_back(Write, clients[static_cast<size_t>(i)].get(), i,
                           StableRandom(seed, static_cast<uint64_t>(i)), &stop, &log);
    }
    KillOften(cluster->get(), log, &random, &kills);
    stop.store(true);
    for (std::thread& writer : writers) writer.join();
    const std::vector<Answer> answers = log.all();
    acknowledged += answers.size();
    EXPECT_FALSE(answers.empty());
    ExpectAll(clients.back().get(), answers);
    const auto verified = (*cluster)->Limbeck({"cache", "verify"});
    ASSERT_TRUE(verified.ok()) << verified.status();
    EXPECT_EQ(verified->exit_code, 0) << verified->out << verified->err;
    std::cout << kills << " kills, " << acknowledged << " answers acknowledged" << std::endl;
  });
}

}  // namespace
}  // namespace limbeck::testing
