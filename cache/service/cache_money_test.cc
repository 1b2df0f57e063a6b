// Budgets and invoices over real connections: what several gateways see of one cache.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "cache/records/record_codec.h"
#include "cache/service/cache_test_server.h"

namespace limbeck::cache {
namespace {

using Kind = AcquireResult::Kind;

std::string MakeRecord() {
  SoftOutput output;
  output.text = "yes";
  return EncodeRecord(output);
}

class CacheMoneyTest : public testing::Test {
 protected:
  CacheMoneyTest() {
    CacheNodeOptions options;
    options.engine.driver = "memory";
    server_ = std::make_unique<CacheTestServer>(options);
    for (auto& client : clients_) client = server_->NewClient();
  }

  AcquireRequest Request(int gateway, const std::string& query, int64_t reserve) {
    AcquireRequest request;
    request.domain = "team/a";
    request.accounts = {"job/1", "team/a"};
    request.owner = {"gateway-" + std::to_string(gateway), 1};
    request.teacher = "open";
    request.items.push_back({query, 0, reserve, 4, "train:1"});
    return request;
  }

  std::unique_ptr<CacheTestServer> server_;
  std::unique_ptr<CacheClient> clients_[2];
};

TEST_F(CacheMoneyTest, ABudgetForOneOf64ConcurrentCallsBuysExactlyOne) {
  constexpr int kCallers = 64;
  ASSERT_TRUE(clients_[0]->SetCeiling("job/1", 1'000'000).ok());
  ASSERT_TRUE(clients_[0]->SetCeiling("team/a", 10).ok());
  std::atomic<int> ours{0};
  std::atomic<int> refused{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < kCallers; ++i) {
    threads.emplace_back([&, i] {
      const auto results = clients_[i % 2]->Acquire(Request(i % 2, "q" + std::to_string(i), 10));
      ASSERT_TRUE(results.ok()) << results.status();
      ours += (*results)[0].kind == Kind::kYours;
      refused += (*results)[0].kind == Kind::kRefused;
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(ours, 1);
  EXPECT_EQ(refused, kCallers - 1);
  const AccountState team = clients_[1]->GetSpend({"team/a"})->front();
  EXPECT_EQ(team.reserved_micro_usd + team.spent_micro_usd, 10);
}

TEST_F(CacheMoneyTest, CallersThatSettleShareABudgetWithoutOvershoot) {
  constexpr int kCallers = 16;
  constexpr int kRounds = 20;
  constexpr int64_t kBudget = 1000;
  ASSERT_TRUE(clients_[0]->SetCeiling("job/1", 1'000'000).ok());
  ASSERT_TRUE(clients_[0]->SetCeiling("team/a", 1'000'000, kBudget).ok());
  std::vector<std::thread> threads;
  for (int i = 0; i < kCallers; ++i) {
    threads.emplace_back([&, i] {
      CacheClient& client = *clients_[i % 2];
      for (int round = 0; round < kRounds; ++round) {
        const std::string query = std::to_string(i) + "/" + std::to_string(round);
        const auto results = client.Acquire(Request(i % 2, query, 10));
        ASSERT_TRUE(results.ok()) << results.status();
        if ((*results)[0].kind != Kind::kYours) continue;
        ASSERT_TRUE(client
                        .Commit("team/a", {{(*results)[0].key, (*results)[0].fence, MakeRecord(),
                                            1 + (i + round) % 10}})
                        .ok());
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  const auto accounts = clients_[0]->GetSpend({});
  ASSERT_TRUE(accounts.ok()) << accounts.status();
  EXPECT_EQ(accounts->size(), 3u);  // The job's, the team's and its month's.
  for (const AccountState& account : *accounts) {
    EXPECT_EQ(account.reserved_micro_usd, 0) << account.name;
    EXPECT_LE(account.spent_micro_usd, kBudget) << account.name;
    int64_t sum = 0;
    const auto total = clients_[1]->ReadInvoice(account.name, [&](const InvoiceEntry& entry) {
      sum += entry.micro_usd;
      return absl::OkStatus();
    });
    ASSERT_TRUE(total.ok()) << total.status();
    EXPECT_EQ(sum, account.spent_micro_usd) << account.name;
  }
}

TEST_F(CacheMoneyTest, AnInvoiceCarriesWhatTheGatewaySaidOfACall) {
  ASSERT_TRUE(clients_[0]->SetCeiling("job/1", 100).ok());
  ASSERT_TRUE(clients_[0]->SetCeiling("team/a", 100).ok());
  const AcquireResult claim = clients_[0]->Acquire(Request(0, "q", 10))->front();
  CommitItem item{claim.key, claim.fence, MakeRecord(), 7};
  item.usage = {true, 30, 5, 2, 120, 40};
  ASSERT_TRUE(clients_[0]->Commit("team/a", {item}).ok());
  std::vector<InvoiceEntry> lines;
  const auto total = clients_[0]->ReadInvoice("job/1", [&](const InvoiceEntry& entry) {
    lines.push_back(entry);
    return absl::OkStatus();
  });
  ASSERT_TRUE(total.ok()) << total.status();
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_EQ(total->entries, 1u);
  EXPECT_EQ(total->account.spent_micro_usd, 7);
  EXPECT_EQ(lines[0].kind, InvoiceEntry::Kind::kBought);
  EXPECT_EQ(lines[0].key, claim.key);
  EXPECT_EQ(lines[0].row, "train:1");
  EXPECT_EQ(lines[0].teacher, "open");
  EXPECT_EQ(lines[0].usage.cached_input_tokens, 5u);
  EXPECT_EQ(lines[0].reserved_micro_usd, 10);
  EXPECT_EQ(lines[0].estimate_micro_usd, 4);
  EXPECT_GT(lines[0].unix_micros, 0);
  const TeacherStats stats = *clients_[1]->GetTeacherStats("team/a", "open");
  EXPECT_EQ(stats.calls, 1u);
  EXPECT_EQ(stats.prompt_bytes, 120u);
  EXPECT_EQ(stats.output_squares, 4u);
}

TEST_F(CacheMoneyTest, AVisitorsErrorEndsTheStream) {
  ASSERT_TRUE(clients_[0]->SetCeiling("job/1", 100).ok());
  ASSERT_TRUE(clients_[0]->SetCeiling("team/a", 100).ok());
  ASSERT_TRUE(clients_[0]->Acquire(Request(0, "q", 10)).ok());
  const auto stopped = clients_[0]->ReadInvoice(
      "job/1", [](const InvoiceEntry&) { return absl::ResourceExhaustedError("disk full"); });
  EXPECT_EQ(stopped.status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(clients_[0]
                ->ReadInvoice("job/none", [](const InvoiceEntry&) { return absl::OkStatus(); })
                .status()
                .code(),
            absl::StatusCode::kNotFound);
}

}  // namespace
}  // namespace limbeck::cache
