// Kills gateway, cache and workers with SIGKILL at random moments of a job and compares the end
// with an unbroken run: the same student to the byte, nothing paid twice but what the ledger calls
// ambiguous, nothing acknowledged lost.
#include <gtest/gtest.h>

#include <cstdlib>
#include <iostream>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "base/hash.h"
#include "tests/e2e/definitions_job.h"
#include "tests/e2e/job_run.h"
#include "tests/support/cluster.h"

namespace limbeck::testing {
namespace {

using nlohmann::json;

constexpr int kKills = 10;
// Answers take this long, so that buying 260 of them lasts for seconds.
constexpr double kLatencyMs = 150;
// Training lasts for seconds too, and is saved often, so that kills meet workers that write.
DefinitionsJob LongJob() {
  DefinitionsJob job;
  job.epochs = 240;
  job.checkpoint_steps = 10;
  job.hash_bits = 16;
  return job;
}

uint64_t Seed() {
  if (const char* seed = std::getenv("LIMBECK_KILL_SEED")) return std::strtoull(seed, nullptr, 10);
  return static_cast<uint64_t>(absl::ToUnixMicros(absl::Now()));
}

absl::StatusOr<std::unique_ptr<Cluster>> StartCluster() {
  auto script = KeywordTeacherScript({{"latency_ms", kLatencyMs}, {"latency_jitter_ms", 50}});
  if (!script.ok()) return script.status();
  ClusterOptions options;
  options.teacher_script = *script;
  options.max_concurrency = 8;
  options.worker_arguments = {"--checkpoint-min-seconds", "0.1"};
  return Cluster::Start(std::move(options));
}

absl::StatusOr<std::string> StudentBytes(Cluster& cluster, const std::string& job) {
  const auto folder = cluster.dir() / "student";
  auto exported = cluster.Limbeck({"students", "export", job, "--output", folder.string()});
  if (!exported.ok()) return exported.status();
  if (exported->exit_code != 0) return absl::InternalError(exported->err);
  return ReadFile(folder / "model.safetensors");
}

bool IsOver(Cluster& cluster, const std::string& id) {
  const auto job = GetJob(cluster, id);
  if (!job.ok()) return false;  // The gateway may be coming up.
  const std::string state = job->value("state", "");
  return state == "JOB_STATE_SUCCEEDED" || state == "JOB_STATE_FAILED";
}

// Who may be killed: LIMBECK_KILL_VICTIMS, separated by commas, or all but the teacher.
std::vector<std::string> Victims() {
  const char* victims = std::getenv("LIMBECK_KILL_VICTIMS");
  return absl::StrSplit(victims == nullptr ? "gateway,cache,worker-0,worker-1" : victims, ',');
}

// Kills and restarts parts until `kKills` have died or the job is over; what was killed.
absl::StatusOr<std::vector<std::string>> KillAtRandom(Cluster& cluster, const std::string& id,
                                                      StableRandom& random) {
  const std::vector<std::string> victims = Victims();
  std::vector<std::string> killed;
  while (killed.size() < kKills && !IsOver(cluster, id)) {
    absl::SleepFor(absl::Milliseconds(50 + random.Below(900)));
    const std::string part = victims[random.Below(victims.size())];
    if (absl::Status status = cluster.Kill(part); !status.ok()) return status;
    absl::SleepFor(absl::Milliseconds(random.Below(300)));
    if (absl::Status status = cluster.Restart(part); !status.ok()) return status;
    killed.push_back(part);
  }
  return killed;
}

TEST(KillTest, AJobUnderKillsEndsAsAnUnbrokenOneDoes) {
  const uint64_t seed = Seed();
  std::cout << "LIMBECK_KILL_SEED=" << seed << std::endl;
  StableRandom random(seed, 0);

  auto unbroken = StartCluster();
  ASSERT_TRUE(unbroken.ok()) << unbroken.status();
  auto file = WriteJob(LongJob(), (*unbroken)->dir() / "job");
  ASSERT_TRUE(file.ok()) << file.status();
  auto id = CreateJob(**unbroken, *file);
  ASSERT_TRUE(id.ok()) << id.status();
  ASSERT_TRUE(WaitForState(**unbroken, *id, {"JOB_STATE_SUCCEEDED"}, absl::Seconds(60)).ok())
      << (*unbroken)->Logs();
  const auto expected = StudentBytes(**unbroken, *id);
  ASSERT_TRUE(expected.ok()) << expected.status();
  const auto clean_invoice = (*unbroken)->Invoice();
  ASSERT_TRUE(clean_invoice.ok()) << clean_invoice.status();
  EXPECT_EQ(Excess(*clean_invoice), 0u);
  unbroken->reset();

  auto cluster = StartCluster();
  ASSERT_TRUE(cluster.ok()) << cluster.status();
  file = WriteJob(LongJob(), (*cluster)->dir() / "job");
  ASSERT_TRUE(file.ok()) << file.status();
  id = CreateJob(**cluster, *file);
  ASSERT_TRUE(id.ok()) << id.status();
  const auto killed = KillAtRandom(**cluster, *id, random);
  ASSERT_TRUE(killed.ok()) << killed.status();
  std::cout << "killed: " << absl::StrJoin(*killed, " ") << std::endl;
  EXPECT_EQ(killed->size(), static_cast<size_t>(kKills)) << "the job was over too early";

  const auto status = WaitForJob(**cluster, *id, absl::Seconds(90));
  ASSERT_TRUE(status.ok()) << status.status() << (*cluster)->Logs();
  const auto job = GetJob(**cluster, *id);
  ASSERT_TRUE(job.ok()) << job.status();
  ASSERT_EQ(job->value("state", ""), "JOB_STATE_SUCCEEDED") << job->dump(2) << (*cluster)->Logs();

  const auto student = StudentBytes(**cluster, *id);
  ASSERT_TRUE(student.ok()) << student.status();
  EXPECT_EQ(Sha256Hex(*student), Sha256Hex(*expected)) << "the kills changed the student";

  // Books: what the teacher served beyond one call a key is what the ledger calls ambiguous.
  const auto invoice = (*cluster)->Invoice();
  ASSERT_TRUE(invoice.ok()) << invoice.status();
  const int64_t ambiguous = Count((*job)["progress"], "calls_ambiguous");
  std::cout << "served " << invoice->size() << ", excess " << Excess(*invoice) << ", ambiguous "
            << ambiguous << std::endl;
  EXPECT_EQ(invoice->size() - Excess(*invoice), clean_invoice->size()) << "distinct keys";
  EXPECT_LE(static_cast<int64_t>(Excess(*invoice)), ambiguous);
  EXPECT_EQ(Count((*job)["progress"], "reserved_micro_usd"), 0);

  // Nothing that was acknowledged is lost: records are whole, and the same job buys nothing.
  const auto verified = (*cluster)->Limbeck({"cache", "verify"});
  ASSERT_TRUE(verified.ok()) << verified.status();
  EXPECT_EQ(verified->exit_code, 0) << verified->out << verified->err;
  const auto again = CreateJob(**cluster, *file);
  ASSERT_TRUE(again.ok()) << again.status();
  ASSERT_TRUE(WaitForState(**cluster, *again, {"JOB_STATE_SUCCEEDED"}, absl::Seconds(60)).ok())
      << (*cluster)->Logs();
  const auto invoice_after = (*cluster)->Invoice();
  ASSERT_TRUE(invoice_after.ok()) << invoice_after.status();
  EXPECT_EQ(invoice_after->size(), invoice->size());
}

}  // namespace
}  // namespace limbeck::testing
