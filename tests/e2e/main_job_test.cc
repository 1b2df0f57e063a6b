// A job from file to student, over real processes and through the command line only.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "tests/e2e/definitions_job.h"
#include "tests/e2e/job_run.h"
#include "tests/support/cluster.h"

namespace limbeck::testing {
namespace {

using nlohmann::json;
using ::testing::AnyOf;
using ::testing::HasSubstr;

class MainJobTest : public ::testing::Test {
 protected:
  void SetUp() override {
    const auto script = KeywordTeacherScript();
    ASSERT_TRUE(script.ok()) << script.status();
    ClusterOptions options;
    options.teacher_script = *script;
    auto cluster = Cluster::Start(std::move(options));
    ASSERT_TRUE(cluster.ok()) << cluster.status();
    cluster_ = *std::move(cluster);
  }
  void TearDown() override {
    if (HasFailure() && cluster_ != nullptr) std::cerr << cluster_->Logs();
  }

  std::filesystem::path JobFile(const DefinitionsJob& job) {
    auto path = WriteJob(job, cluster_->dir() / "job");
    EXPECT_TRUE(path.ok()) << path.status();
    return path.ok() ? *path : std::filesystem::path();
  }
  size_t Invoiced() {
    const auto invoice = cluster_->Invoice();
    EXPECT_TRUE(invoice.ok()) << invoice.status();
    EXPECT_EQ(Excess(*invoice), 0u);
    return invoice.ok() ? invoice->size() : 0;
  }

  std::unique_ptr<Cluster> cluster_;
};

// What `jobs wait --exit-status` promises for a verdict.
int ExitStatusOf(const std::string& verdict) {
  if (verdict == "VERDICT_ACCEPT") return 0;
  return verdict == "VERDICT_REJECT" ? 3 : 4;
}

TEST_F(MainJobTest, EndsWithReportAndStudentAndBuysEachAnswerOnce) {
  const auto file = JobFile(DefinitionsJob());
  const auto id = CreateJob(*cluster_, file);
  ASSERT_TRUE(id.ok()) << id.status();
  const auto status = WaitForJob(*cluster_, *id, absl::Seconds(120));
  ASSERT_TRUE(status.ok()) << status.status();
  const auto job = GetJob(*cluster_, *id);
  ASSERT_TRUE(job.ok()) << job.status();
  ASSERT_EQ(job->value("state", ""), "JOB_STATE_SUCCEEDED") << job->dump(2);
  EXPECT_EQ(*status, ExitStatusOf(job->value("verdict", "")));

  // Money and calls agree with the teacher's own books.
  const json& progress = (*job)["progress"];
  EXPECT_EQ(Invoiced(), 260u);
  EXPECT_EQ(Count(progress, "queries_bought"), 260);
  EXPECT_EQ(Count(progress, "calls_ambiguous"), 0);
  EXPECT_EQ(Count(progress, "reserved_micro_usd"), 0);
  EXPECT_GT(Count(progress, "spent_micro_usd"), 0);

  const auto report = LimbeckJson(*cluster_, {"jobs", "report", *id});
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_EQ((*report)["labels"].size(), 5u);
  EXPECT_EQ(Count((*report)["data_facts"], "held_out_rows"), 60);
  EXPECT_EQ((*report)["data_facts"].value("label_source", ""), "top_k");
  EXPECT_EQ((*report)["learning_curve"].size(), 10u);
  EXPECT_GT((*report)["agreement"].value("value", 0.0), 0.4) << report->dump(2);

  // The student stands alone.
  const auto student = cluster_->dir() / "student";
  const auto exported =
      cluster_->Limbeck({"students", "export", *id, "--output", student.string()});
  ASSERT_TRUE(exported.ok()) << exported.status();
  ASSERT_EQ(exported->exit_code, 0) << exported->err;
  for (const char* name : {"model.safetensors", "config.json", "labels.json", "report.json"}) {
    EXPECT_TRUE(std::filesystem::exists(student / name)) << name;
  }
  const auto predicted = cluster_->Limbeck(
      {"students", "predict", student.string(), "a city in northern Italy", "a large wild cat"});
  ASSERT_TRUE(predicted.ok()) << predicted.status();
  EXPECT_EQ(predicted->exit_code, 0) << predicted->err;
  const std::vector<std::string> lines = absl::StrSplit(predicted->out, '\n', absl::SkipEmpty());
  ASSERT_EQ(lines.size(), 2u) << predicted->out;
  EXPECT_THAT(lines[0], HasSubstr("place"));

  // The same job again finds everything in the cache.
  const auto again = CreateJob(*cluster_, file);
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_NE(*again, *id);
  const auto again_status = WaitForJob(*cluster_, *again, absl::Seconds(120));
  ASSERT_TRUE(again_status.ok()) << again_status.status();
  EXPECT_EQ(*again_status, *status);
  EXPECT_EQ(Invoiced(), 260u);
  const auto second = GetJob(*cluster_, *again);
  ASSERT_TRUE(second.ok()) << second.status();
  EXPECT_EQ(Count((*second)["progress"], "queries_bought"), 0);
  EXPECT_EQ(Count((*second)["progress"], "queries_cached"), 260);
  EXPECT_EQ(Count((*second)["progress"], "spent_micro_usd"), 0);
}

TEST_F(MainJobTest, ABadJobFileNamesEveryFaultAndNothingIsSent) {
  const auto file = JobFile(DefinitionsJob());
  json spec;
  std::ifstream(file) >> spec;
  spec["teachers"][0]["teacher"] = "nobody";
  spec["method"]["epochs"] = 20'000;
  spec["student"]["ngram"]["hash_bits"] = 3;
  spec["data"]["prompt"]["user"] = "{{ text ";
  std::ofstream(file) << spec.dump();
  const auto result = cluster_->Limbeck({"jobs", "create", "-f", file.string(), "--yes"});
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->exit_code, 2) << result->out << result->err;
  for (const char* field :
       {"teachers[0].teacher", "method.epochs", "student.ngram.hash_bits", "data.prompt.user:"}) {
    EXPECT_THAT(result->err, HasSubstr(field));
  }
  EXPECT_EQ(Invoiced(), 0u);
  const auto jobs = LimbeckJson(*cluster_, {"jobs", "list"});
  ASSERT_TRUE(jobs.ok()) << jobs.status();
  EXPECT_TRUE(!jobs->contains("jobs") || (*jobs)["jobs"].empty()) << jobs->dump();
}

TEST_F(MainJobTest, ABadRowIsNamedByItsNumber) {
  const auto file = JobFile(DefinitionsJob());
  std::ofstream(file.parent_path() / "train.jsonl", std::ios::app) << "{\"text\": 12\n";
  const auto result = cluster_->Limbeck({"jobs", "create", "-f", file.string(), "--yes"});
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->exit_code, 2) << result->out << result->err;
  EXPECT_THAT(result->err, HasSubstr("201"));
  EXPECT_EQ(Invoiced(), 0u);
}

TEST_F(MainJobTest, ACancelledJobEndsWithItsOwnExitStatus) {
  DefinitionsJob job;
  job.workers = 3;  // One more than there are: it waits for ever.
  const auto id = CreateJob(*cluster_, JobFile(job));
  ASSERT_TRUE(id.ok()) << id.status();
  const auto cancelled = cluster_->Limbeck({"jobs", "cancel", *id});
  ASSERT_TRUE(cancelled.ok()) << cancelled.status();
  EXPECT_EQ(cancelled->exit_code, 0) << cancelled->err;
  const auto status = WaitForJob(*cluster_, *id, absl::Seconds(60));
  ASSERT_TRUE(status.ok()) << status.status();
  EXPECT_EQ(*status, 5);
  const auto unknown = cluster_->Limbeck({"jobs", "get", "job-0000000000000000"});
  ASSERT_TRUE(unknown.ok()) << unknown.status();
  EXPECT_EQ(unknown->exit_code, 1) << unknown->err;
}

TEST_F(MainJobTest, PartsLeaveWithStatusZeroWhenTold) {
  for (const char* part : {"worker-0", "gateway", "cache"}) {
    const auto status = cluster_->Stop(part, absl::Seconds(40));
    ASSERT_TRUE(status.ok()) << part << ": " << status.status();
    EXPECT_EQ(*status, 0) << part;
  }
}

}  // namespace
}  // namespace limbeck::testing
