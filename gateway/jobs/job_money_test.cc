// Quotes, projections, budgets and invoices of whole jobs, with the teacher's own invoice beside
// ours.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/error_details.h"
#include "base/string_view.h"
#include "cache/records/record_codec.h"
#include "gateway/jobs/job_test_world.h"

namespace limbeck::gateway {
namespace {

using Kind = cache::InvoiceEntry::Kind;
using ::testing::HasSubstr;
using ::testing::UnorderedElementsAre;

JobWorldOptions Priced(std::string script = "{}") {
  return {.script = std::move(script), .input_price = 1'000'000, .output_price = 1'000'000};
}

struct Lines {
  std::map<Kind, int> counts;
  int64_t micro_usd = 0;
  uint64_t tokens = 0;
  cache::AccountState account;
};

Lines ReadLines(JobWorld& world, const std::string& account) {
  Lines lines;
  const auto total =
      world.cache_client().ReadInvoice(account, [&](const cache::InvoiceEntry& entry) {
        ++lines.counts[entry.kind];
        lines.micro_usd += entry.micro_usd;
        lines.tokens += entry.usage.input_tokens + entry.usage.output_tokens;
        EXPECT_EQ(entry.teacher, "fake");
        EXPECT_THAT(entry.row, HasSubstr("train:"));
        return absl::OkStatus();
      });
  EXPECT_TRUE(total.ok()) << total.status();
  if (total.ok()) lines.account = total->account;
  return lines;
}

TEST(JobMoneyTest, TheInvoiceIsExactAndTheSecondJobsIsFree) {
  JobWorld world(Priced());
  world.AddWorker();
  const v1::JobSpec spec = world.Spec(world.Upload(60));
  const std::string first = world.Create(spec, "r1")->id();
  world.AwaitState(first, v1::JOB_STATE_SUCCEEDED);
  const Lines lines = ReadLines(world, JobAccount(first));
  EXPECT_EQ(lines.counts.at(Kind::kBought), 60);
  EXPECT_EQ(lines.counts.size(), 1u);
  // At a micro-USD per token of either kind.
  EXPECT_EQ(lines.micro_usd, static_cast<int64_t>(lines.tokens));
  EXPECT_EQ(lines.micro_usd, lines.account.spent_micro_usd);
  EXPECT_EQ(world.teacher().invoice().size(), 60u);

  const std::string second = world.Create(spec, "r2")->id();
  world.AwaitState(second, v1::JOB_STATE_SUCCEEDED);
  const Lines free = ReadLines(world, JobAccount(second));
  EXPECT_EQ(free.counts.at(Kind::kCached), 60);
  EXPECT_EQ(free.micro_usd, 0);
  EXPECT_EQ(ReadLines(world, "team/default").micro_usd, lines.micro_usd);
}

TEST(JobMoneyTest, QuotesAreFittedOnWhatEarlierJobsUsed) {
  JobWorld world(Priced());
  world.AddWorker();
  const auto fresh = world.manager().Quote(world.Spec(world.Upload(60)));
  ASSERT_TRUE(fresh.ok()) << fresh.status();
  EXPECT_EQ(fresh->fitted_calls(), 0u);
  EXPECT_EQ(fresh->distinct_queries(), 60u);
  EXPECT_LE(fresh->low_micro_usd(), fresh->likely_micro_usd());
  EXPECT_LE(fresh->likely_micro_usd(), fresh->estimate_high_micro_usd());
  EXPECT_LE(fresh->estimate_high_micro_usd(), fresh->high_micro_usd());
  EXPECT_GT(fresh->seconds_high(), 0.0);
  EXPECT_EQ(fresh->time_limit(), "calls at once");
  const std::string id = world.Create(world.Spec(world.Upload(60)))->id();
  world.AwaitState(id, v1::JOB_STATE_SUCCEEDED);
  const int64_t spent = world.Spend(id).spent_micro_usd;

  // Other rows of the same shape.
  v1::JobSpec spec = world.Spec(world.Upload(60));
  spec.mutable_data()->mutable_prompt()->set_user(
      "Is that one of: good, bad.\nText: {{ text }}\nAnswer:");
  const auto fitted = world.manager().Quote(spec);
  ASSERT_TRUE(fitted.ok()) << fitted.status();
  EXPECT_EQ(fitted->fitted_calls(), 60u);
  EXPECT_EQ(fitted->to_buy(), 60u);
  EXPECT_LE(fitted->low_micro_usd(), spent);
  EXPECT_GE(fitted->estimate_high_micro_usd(), spent);
  EXPECT_NEAR(static_cast<double>(fitted->likely_micro_usd()), static_cast<double>(spent),
              0.05 * static_cast<double>(spent));
}

TEST(JobMoneyTest, ProgressProjectsWithinTheQuoteAndEndsAtWhatWasSpent) {
  JobWorld world(Priced(R"({"latency_ms": 20})"));
  world.AddWorker();
  const v1::JobSpec spec = world.Spec(world.Upload(200));
  const auto quote = world.manager().Quote(spec);
  const auto created = world.Create(spec);
  EXPECT_EQ(created->progress().projected_low_micro_usd(), quote->low_micro_usd());
  EXPECT_EQ(created->progress().projected_high_micro_usd(), quote->estimate_high_micro_usd());
  const std::string id = created->id();
  const v1::DistillationJob done = world.AwaitState(id, v1::JOB_STATE_SUCCEEDED);
  const int64_t spent = world.Spend(id).spent_micro_usd;
  EXPECT_EQ(done.progress().projected_low_micro_usd(), spent);
  EXPECT_EQ(done.progress().projected_high_micro_usd(), spent);
}

TEST(JobMoneyTest, UnknownOutcomesAreLinesAndTheSumsStillHold) {
  JobWorld world(
      Priced(R"({"faults": [{"kind": "reset_mid", "ratio": 0.3, "first_attempts": 1}]})"));
  world.AddWorker();
  const std::string id = world.Create(world.Spec(world.Upload(60)))->id();
  world.AwaitState(id, v1::JOB_STATE_SUCCEEDED);
  const Lines lines = ReadLines(world, JobAccount(id));
  EXPECT_EQ(lines.counts.at(Kind::kBought), 60);
  EXPECT_GT(lines.counts.at(Kind::kAmbiguous), 0);
  EXPECT_EQ(static_cast<size_t>(60 + lines.counts.at(Kind::kAmbiguous)),
            world.teacher().invoice().size());
  EXPECT_EQ(lines.micro_usd, lines.account.spent_micro_usd);
  EXPECT_EQ(lines.account.reserved_micro_usd, 0);
}

TEST(JobMoneyTest, AnAnswerOfNoUseCostsWhatTheProviderReports) {
  JobWorld world(Priced(R"({"faults": [{"kind": "body", "when_contains": "gloss 7 ",
      "body": "{\"choices\":[],\"usage\":{\"prompt_tokens\":30,\"completion_tokens\":5}}"}]})"));
  world.AddWorker();
  const std::string id = world.Create(world.Spec(world.Upload(60)))->id();
  const auto done = world.AwaitState(id, v1::JOB_STATE_SUCCEEDED);
  EXPECT_EQ(done.progress().rows_rejected(), 1u);
  std::vector<cache::InvoiceEntry> unusable;
  const auto total =
      world.cache_client().ReadInvoice(JobAccount(id), [&](const cache::InvoiceEntry& entry) {
        if (entry.kind == Kind::kUnusable) unusable.push_back(entry);
        return absl::OkStatus();
      });
  ASSERT_TRUE(total.ok()) << total.status();
  ASSERT_EQ(unusable.size(), 1u);
  EXPECT_TRUE(unusable[0].usage.reported);
  EXPECT_EQ(unusable[0].usage.input_tokens, 30u);
  EXPECT_EQ(unusable[0].usage.output_tokens, 5u);
  EXPECT_EQ(unusable[0].micro_usd, 35);
  EXPECT_GT(unusable[0].reserved_micro_usd, 35);
  EXPECT_GT(unusable[0].estimate_micro_usd, 0);
  EXPECT_THAT(unusable[0].note, HasSubstr("NO_CHOICE"));
  EXPECT_EQ(total->account.reserved_micro_usd, 0);
}

// The entries of one row whose provider states `output_tokens`, and the account.
struct Stated {
  cache::InvoiceEntry entry;
  cache::AccountState account;
  int64_t ceiling = 0;
};

Stated BuyWithStatedUsage(const std::string& output_tokens) {
  JobWorld world(Priced(
      absl::StrCat(R"({"faults": [{"kind": "wrong_usage", "when_contains": "gloss 7 ", "bytes": )",
                   output_tokens, "}]}")));
  world.AddWorker();
  const std::string id = world.Create(world.Spec(world.Upload(60)))->id();
  const auto done = world.AwaitState(id, v1::JOB_STATE_SUCCEEDED);
  EXPECT_EQ(done.progress().queries_bought(), 60u);
  Stated stated;
  stated.ceiling = done.progress().ceiling_micro_usd();
  const auto total =
      world.cache_client().ReadInvoice(JobAccount(id), [&](const cache::InvoiceEntry& entry) {
        if (!entry.usage.reported || entry.micro_usd > entry.reserved_micro_usd) {
          stated.entry = entry;
        }
        return absl::OkStatus();
      });
  EXPECT_TRUE(total.ok()) << total.status();
  if (total.ok()) stated.account = total->account;
  return stated;
}

TEST(JobMoneyTest, UsageThatCannotBeTrueCountsAsTheUpperBound) {
  // A million million, and minus five.
  for (const char* tokens : {"1000000000000", "18446744073709551611"}) {
    const Stated stated = BuyWithStatedUsage(tokens);
    EXPECT_FALSE(stated.entry.usage.reported) << tokens;
    EXPECT_GT(stated.entry.micro_usd, 0) << tokens;
    EXPECT_EQ(stated.entry.micro_usd, stated.entry.reserved_micro_usd) << tokens;
    EXPECT_LE(stated.account.spent_micro_usd, stated.ceiling) << tokens;
    EXPECT_EQ(stated.account.reserved_micro_usd, 0) << tokens;
  }
}

TEST(JobMoneyTest, UsageAboveTheUpperBoundThatMayBeTrueIsBookedAsStated) {
  const Stated stated = BuyWithStatedUsage("5000");
  EXPECT_TRUE(stated.entry.usage.reported);
  EXPECT_EQ(stated.entry.usage.output_tokens, 5000u);
  EXPECT_GT(stated.entry.micro_usd, 5000);
  EXPECT_LT(stated.entry.reserved_micro_usd, 5000);
  EXPECT_EQ(stated.account.reserved_micro_usd, 0);
}

TEST(JobMoneyTest, AnotherModelThanTheOneAskedIsTold) {
  JobWorld world(Priced(R"({"faults": [{"kind": "wrong_model", "ratio": 0.3}]})"));
  world.AddWorker();
  const std::string id = world.Create(world.Spec(world.Upload(60)))->id();
  world.AwaitState(id, v1::JOB_STATE_SUCCEEDED);
  const v1::DataFacts facts = world.store().GetReport(id).value()->data_facts();
  EXPECT_THAT(facts.teacher_models(), UnorderedElementsAre("another-model", "m"));
  std::map<std::string, int> records;
  const auto plan = world.store().GetPlan(id).value().value();
  for (const cache::StreamItem& item : world.ReadSnapshot(plan.train_snapshot_id())) {
    for (const std::string& record : item.records) {
      ++records[cache::DecodeRecord(record)->provenance.model];
    }
  }
  EXPECT_GT(records["another-model"], 0);
  EXPECT_GT(records["m"], 0);
}

TEST(JobMoneyTest, CeilingsAreRefusedWithFieldAndNumbers) {
  JobWorld world(Priced(R"({"latency_ms": 50})"));
  const std::string id = world.Create(world.Spec(world.Upload(200)))->id();
  world.Await(id,
              [](const v1::DistillationJob& job) { return job.progress().queries_bought() > 0; });
  ASSERT_TRUE(world.manager().Pause(id).ok());
  const auto refused = world.manager().UpdateCeiling(id, 1);
  const auto violations = GetFieldViolations(refused.status());
  ASSERT_EQ(violations.size(), 1u) << refused.status();
  EXPECT_EQ(violations[0].field, "ceiling_micro_usd");
  EXPECT_THAT(violations[0].description, HasSubstr("is 1, below the "));
}

}  // namespace
}  // namespace limbeck::gateway
