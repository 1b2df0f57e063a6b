#include "cli/job_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>

#include "absl/strings/str_cat.h"
#include "base/error_details.h"
#include "base/file.h"

namespace limbeck::cli {
namespace {

using ::testing::HasSubstr;

class JobFileTest : public ::testing::Test {
 protected:
  absl::StatusOr<v1::JobSpec> Load(std::string_view text) {
    const auto path = temp_.path() / "job.yaml";
    EXPECT_TRUE(WriteFileDurably(path, text).ok());
    return LoadJobFile(path);
  }

  ScopedTempDirectory temp_;
};

TEST_F(JobFileTest, TheExampleLoadsOnceItsDatasetExists) {
  EXPECT_EQ(Load(ExampleJobFile()).status().code(), absl::StatusCode::kInvalidArgument);
  ASSERT_TRUE(WriteFileDurably(temp_.path() / "train.jsonl", "{}\n").ok());
  const auto spec = Load(ExampleJobFile());
  ASSERT_TRUE(spec.ok()) << spec.status();
  EXPECT_EQ(spec->task().classify().labels_size(), 2);
  EXPECT_EQ(spec->budget().ceiling_micro_usd(), 5'000'000);
}

TEST_F(JobFileTest, NamesEverythingThatIsMissingAtOnce) {
  const auto spec = Load("data: {train: {path: nowhere.jsonl}, held_out: {}}\n");
  const auto violations = GetFieldViolations(spec.status());
  std::vector<std::string> fields;
  for (const auto& violation : violations) fields.push_back(violation.field);
  EXPECT_THAT(fields, ::testing::ElementsAre("data.train.path", "data.held_out", "data.prompt.user",
                                             "teachers", "task"));
}

TEST_F(JobFileTest, FaultsOfTheYamlComeWithTheirLine) {
  const auto spec = Load("display_name: x\nbudgett: {}\nruntime: {min_workers: many}\n");
  EXPECT_EQ(spec.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(spec.status().message()), HasSubstr("budgett: line 2: unknown field"));
  EXPECT_THAT(std::string(spec.status().message()), HasSubstr("runtime.min_workers: line 3: "));
}

TEST_F(JobFileTest, FaultsOfTheYamlAndMissingFilesComeInOneRound) {
  const auto spec = Load(
      "display_name: x\n"
      "budgett: {}\n"
      "data: {train: {path: nowhere.jsonl}, held_out_share: much, prompt: {user: [a]}}\n"
      "teachers: none\n"
      "task: {classify: {labels: [{name: a, variants: 3}, {nam: b}]}}\n");
  std::vector<std::string> fields;
  for (const auto& violation : GetFieldViolations(spec.status())) fields.push_back(violation.field);
  EXPECT_THAT(fields, ::testing::ElementsAre("budgett", "data.held_out_share", "data.prompt.user",
                                             "teachers", "task.classify.labels[0].variants",
                                             "task.classify.labels[1].nam", "data.train.path"));
}

TEST_F(JobFileTest, TextThatIsNoYamlIsOneFault) {
  const auto spec = Load("data: [\n");
  EXPECT_EQ(spec.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_TRUE(GetFieldViolations(spec.status()).empty());
}

TEST_F(JobFileTest, TheFewShotPoolIsCheckedLikeEveryDataset) {
  ASSERT_TRUE(WriteFileDurably(temp_.path() / "train.tsv.gz", "").ok());
  const auto spec = Load(
      "data:\n"
      "  train: {path: train.tsv.gz}\n"
      "  expansion:\n"
      "    templates: [{prompt: {user: x}}]\n"
      "    grid: {tone: [formal, 2]}\n"
      "    few_shot: {pool: {path: pool.csv.zst}}\n"
      "teachers: [{teacher: t}]\n"
      "task: {classify: {}}\n");
  const auto violations = GetFieldViolations(spec.status());
  ASSERT_EQ(violations.size(), 1u) << spec.status();
  EXPECT_EQ(violations[0].field, "data.expansion.few_shot.pool.path");
}

TEST_F(JobFileTest, ADatasetNeedsAKnownExtension) {
  ASSERT_TRUE(WriteFileDurably(temp_.path() / "rows.txt", "{}\n").ok());
  const auto spec = Load("data: {train: {path: rows.txt}}\n");
  EXPECT_THAT(std::string(spec.status().message()), HasSubstr(".jsonl"));
}

TEST_F(JobFileTest, SynonymsComeFromTheirFile) {
  const std::string noise = "noise: {prompt: {synonyms_path: synonyms.tsv}}\n";
  const auto missing = GetFieldViolations(Load(noise).status());
  EXPECT_TRUE(std::any_of(missing.begin(), missing.end(), [](const FieldViolation& fault) {
    return fault.field == "noise.prompt.synonyms_path";
  }));
  ASSERT_TRUE(WriteFileDurably(temp_.path() / "synonyms.tsv", "big\tlarge\n").ok());
  ASSERT_TRUE(WriteFileDurably(temp_.path() / "train.jsonl", "{}\n").ok());
  const auto spec = Load(std::string(ExampleJobFile()) + noise);
  ASSERT_TRUE(spec.ok()) << spec.status();
  EXPECT_EQ(spec->noise().prompt().synonyms(), "big\tlarge\n");
  ASSERT_TRUE(
      WriteFileDurably(temp_.path() / "synonyms.tsv", std::string((128 << 10) + 1, 'a')).ok());
  EXPECT_THAT(std::string(Load(noise).status().message()), HasSubstr("131072 bytes"));
}

TEST(ExampleFilesTest, TheExampleJobsOfTheRepositoryLoad) {
  const char* root = std::getenv("LIMBECK_SOURCE_DIR");
  ASSERT_NE(root, nullptr);
  const auto spec = LoadJobFile(std::filesystem::path(root) / "examples/definitions/job.yaml");
  ASSERT_TRUE(spec.ok()) << spec.status();
  EXPECT_EQ(spec->task().classify().labels_size(), 5);
  EXPECT_EQ(spec->data().prompt().examples_size(), 5);
}

TEST(ExampleFilesTest, TheExpansionExampleLoads) {
  const char* root = std::getenv("LIMBECK_SOURCE_DIR");
  ASSERT_NE(root, nullptr);
  const auto spec = LoadJobFile(std::filesystem::path(root) / "examples/expansion/job.yaml");
  ASSERT_TRUE(spec.ok()) << spec.status();
  EXPECT_EQ(spec->data().expansion().templates_size(), 2);
  EXPECT_EQ(spec->data().expansion().grid().at("tone").values_size(), 2);
  EXPECT_EQ(spec->data().expansion().few_shot().pool().path(), "shots.jsonl");
}

TEST(JobFileMissingTest, IsBadInput) {
  const auto spec = LoadJobFile("/nonexistent/job.yaml");
  EXPECT_EQ(spec.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_NE(spec.status().message().find("/nonexistent/job.yaml"), std::string::npos);
}

}  // namespace
}  // namespace limbeck::cli
