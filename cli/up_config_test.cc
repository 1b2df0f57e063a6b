#include "cli/up_config.h"

#include <gtest/gtest.h>

#include <cstdlib>

#include "base/file.h"

namespace limbeck::cli {
namespace {

TEST(UpConfigTest, FillsDefaultsIn) {
  const ScopedTempDirectory temp;
  const auto path = temp.path() / "limbeck.yaml";
  ASSERT_TRUE(WriteFileDurably(path, "teachers: []\n").ok());
  const auto config = LoadUpConfig({.config_file = path.string()});
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->gateway().address(), "127.0.0.1:7400");
  EXPECT_EQ(config->cache().address(), "127.0.0.1:7401");
  EXPECT_EQ(config->data_dir(), "limbeck-data");
  EXPECT_EQ(config->local_trainers(), 2u);
}

TEST(UpConfigTest, TheCommandLineWinsOverTheFile) {
  const ScopedTempDirectory temp;
  const auto path = temp.path() / "limbeck.yaml";
  ASSERT_TRUE(WriteFileDurably(path, "data_dir: a\nlocal_trainers: 5\n").ok());
  const auto config = LoadUpConfig({.config_file = path.string(), .data_dir = "b", .trainers = 0});
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->data_dir(), "b");
  EXPECT_EQ(config->local_trainers(), 0u);
}

TEST(UpConfigTest, RefusesUnknownFieldsMissingFilesAndTooManyTrainers) {
  const ScopedTempDirectory temp;
  const auto path = temp.path() / "limbeck.yaml";
  ASSERT_TRUE(WriteFileDurably(path, "teacher: x\n").ok());
  EXPECT_EQ(LoadUpConfig({.config_file = path.string()}).status().code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(LoadUpConfig({.config_file = "/nonexistent.yaml"}).status().code(),
            absl::StatusCode::kNotFound);
  ASSERT_TRUE(WriteFileDurably(path, "{}\n").ok());
  EXPECT_EQ(LoadUpConfig({.config_file = path.string(), .trainers = 65}).status().code(),
            absl::StatusCode::kInvalidArgument);
}

TEST(UpConfigTest, RefusesTrainersThatTheServersWouldTurnAway) {
  const ScopedTempDirectory temp;
  const auto path = temp.path() / "limbeck.yaml";
  for (const char* yaml : {"gateway: {security: {token: {file: t}}}\n",
                           "cache: {security: {certificate_file: c, key_file: k}}\n"}) {
    ASSERT_TRUE(WriteFileDurably(path, yaml).ok());
    EXPECT_EQ(LoadUpConfig({.config_file = path.string()}).status().code(),
              absl::StatusCode::kInvalidArgument);
    EXPECT_TRUE(LoadUpConfig({.config_file = path.string(), .trainers = 0}).ok());
  }
}

TEST(UpConfigTest, TheExampleOfTheRepositoryLoads) {
  const char* root = std::getenv("LIMBECK_SOURCE_DIR");
  ASSERT_NE(root, nullptr);
  for (const char* file : {"/examples/definitions/limbeck.yaml", "/deploy/limbeck.yaml"}) {
    const auto config = LoadUpConfig({.config_file = std::string(root) + file});
    ASSERT_TRUE(config.ok()) << config.status();
    EXPECT_EQ(config->teachers_size(), 1);
  }
}

}  // namespace
}  // namespace limbeck::cli
