// Teachers that give less than a job would like: text without logprobs, refusals, garbage.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "tests/e2e/definitions_job.h"
#include "tests/e2e/job_run.h"
#include "tests/support/cluster.h"

namespace limbeck::testing {
namespace {

using nlohmann::json;
using ::testing::AnyOf;

class TeacherTest : public ::testing::Test {
 protected:
  void Start(ClusterOptions options, const json& script) {
    const auto text = KeywordTeacherScript(script);
    ASSERT_TRUE(text.ok()) << text.status();
    options.teacher_script = *text;
    options.workers = 1;
    auto cluster = Cluster::Start(std::move(options));
    ASSERT_TRUE(cluster.ok()) << cluster.status();
    cluster_ = *std::move(cluster);
  }
  void TearDown() override {
    if (HasFailure() && cluster_ != nullptr) std::cerr << cluster_->Logs();
  }
  std::string Create(const DefinitionsJob& job) {
    const auto file = WriteJob(job, cluster_->dir() / "job");
    EXPECT_TRUE(file.ok()) << file.status();
    const auto id = CreateJob(*cluster_, *file);
    EXPECT_TRUE(id.ok()) << id.status();
    return id.ok() ? *id : "";
  }

  std::unique_ptr<Cluster> cluster_;
};

TEST_F(TeacherTest, VotesStandInForLogprobs) {
  ClusterOptions options;
  options.teacher_kind = "anthropic";
  ASSERT_NO_FATAL_FAILURE(Start(options, json::object()));
  DefinitionsJob job{.train_rows = 80, .held_out_rows = 20, .workers = 1, .votes = 4};
  const std::string id = Create(job);
  const auto done =
      WaitForState(*cluster_, id, {"JOB_STATE_SUCCEEDED", "JOB_STATE_FAILED", "JOB_STATE_PAUSED"},
                   absl::Seconds(90));
  ASSERT_TRUE(done.ok()) << done.status();
  ASSERT_EQ(done->value("state", ""), "JOB_STATE_SUCCEEDED") << done->dump(2);
  const auto report = LimbeckJson(*cluster_, {"jobs", "report", id});
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_EQ((*report)["data_facts"].value("label_source", ""), "votes");
  // Votes of one row are equal requests, so the invoice is counted, not compared by key.
  const auto invoice = cluster_->Invoice();
  ASSERT_TRUE(invoice.ok()) << invoice.status();
  EXPECT_EQ(invoice->size(), 400u);
  EXPECT_EQ(Count((*done)["progress"], "queries_bought"), 400);
}

// One answer in seven is of no use; the faults are a function of the request.
class UselessAnswersTest : public TeacherTest, public ::testing::WithParamInterface<const char*> {};

TEST_P(UselessAnswersTest, PauseTheJobUntilAPersonLetsItGoOn) {
  ClusterOptions options;
  options.max_attempts = 1;
  ASSERT_NO_FATAL_FAILURE(
      Start(options, {{"faults", json::array({{{"kind", GetParam()}, {"ratio", 0.15}}})}}));
  DefinitionsJob job{.workers = 1, .smoke_rows = 0};
  const std::string id = Create(job);
  const auto paused =
      WaitForState(*cluster_, id, {"JOB_STATE_PAUSED", "JOB_STATE_SUCCEEDED", "JOB_STATE_FAILED"},
                   absl::Seconds(60));
  ASSERT_TRUE(paused.ok()) << paused.status();
  ASSERT_EQ(paused->value("state", ""), "JOB_STATE_PAUSED") << paused->dump(2);
  EXPECT_EQ(paused->value("pause_reason", ""), "PAUSE_REASON_REJECTIONS");
  EXPECT_NE(paused->value("pause_message", ""), "");

  const auto rejections = LimbeckJson(*cluster_, {"jobs", "rejections", id});
  ASSERT_TRUE(rejections.ok()) << rejections.status();
  const json& list = (*rejections)["rejections"];
  EXPECT_GT(list.size(), 10u);
  for (const json& one : list) {
    EXPECT_THAT(one.value("reason", ""), AnyOf("REFUSED", "GARBLED", "NO_LABEL", "NO_LOGPROBS"));
  }

  const auto resumed = cluster_->Limbeck({"jobs", "resume", id});
  ASSERT_TRUE(resumed.ok()) << resumed.status();
  ASSERT_EQ(resumed->exit_code, 0) << resumed->err;
  const auto done =
      WaitForState(*cluster_, id, {"JOB_STATE_SUCCEEDED", "JOB_STATE_FAILED"}, absl::Seconds(90));
  ASSERT_TRUE(done.ok()) << done.status();
  EXPECT_EQ(done->value("state", ""), "JOB_STATE_SUCCEEDED") << done->dump(2);
  EXPECT_GT(Count((*done)["progress"], "rows_rejected"), 10);
}

INSTANTIATE_TEST_SUITE_P(Kinds, UselessAnswersTest, ::testing::Values("refusal", "garbage"));

}  // namespace
}  // namespace limbeck::testing
