#include "cli/up.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <filesystem>

#include "absl/strings/str_cat.h"
#include "base/file.h"
#include "tests/support/process.h"

namespace limbeck::cli {
namespace {

using ::testing::HasSubstr;

constexpr absl::Duration kPatience = absl::Seconds(60);

// Runs the real program: signals and process ends are what is tested.
class UpTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(WriteFileDurably(temp_.path() / "limbeck.yaml",
                                 "gateway: {address: \"127.0.0.1:0\"}\n"
                                 "cache: {address: \"127.0.0.1:0\"}\n"
                                 "metrics_address: \"127.0.0.1:0\"\n"
                                 "data_dir: data\n")
                    .ok());
  }

  limbeck::testing::ProcessOptions Program(std::vector<std::string> arguments,
                                           const std::string& name) {
    limbeck::testing::ProcessOptions options;
    options.program = "limbeck";
    options.arguments = std::move(arguments);
    options.output = temp_.path() / (name + ".out");
    options.working_directory = temp_.path();
    return options;
  }

  std::unique_ptr<limbeck::testing::Process> Start(const std::string& name) {
    std::filesystem::remove(temp_.path() / "ports.json");
    auto process = limbeck::testing::Process::Start(
        Program({"up", "--trainers", "0", "--port-file", "ports.json"}, name));
    EXPECT_TRUE(process.ok()) << process.status();
    const absl::Status up = (*process)->WaitForLine("limbeck is up", kPatience).status();
    EXPECT_TRUE(up.ok()) << up;
    return *std::move(process);
  }

  ScopedTempDirectory temp_;
};

TEST_F(UpTest, ServesUntilToldToStop) {
  const auto up = Start("up");
  const auto gateway = up->WaitForLine("  gateway   ", kPatience);
  ASSERT_TRUE(gateway.ok()) << gateway.status();
  ASSERT_TRUE(up->WaitForLine("Ctrl-C", kPatience).ok());
  ASSERT_TRUE(limbeck::testing::PollUntil(
      kPatience, [&] { return std::filesystem::exists(temp_.path() / "ports.json"); }));
  EXPECT_THAT(*ReadFile(temp_.path() / "ports.json"), HasSubstr(*gateway));
  const auto list = limbeck::testing::RunToEnd(
      Program({"--server", *gateway, "jobs", "list"}, "list"), kPatience);
  ASSERT_TRUE(list.ok()) << list.status();
  EXPECT_EQ(list->exit_code, 0) << list->out;
  up->Signal(SIGTERM);
  EXPECT_EQ(*up->Wait(kPatience), 0) << up->Output();
}

TEST_F(UpTest, ASecondOneIsToldWhoHasTheFolder) {
  const auto first = Start("first");
  const auto second =
      limbeck::testing::RunToEnd(Program({"up", "--trainers", "0"}, "second"), kPatience);
  ASSERT_TRUE(second.ok()) << second.status();
  EXPECT_EQ(second->exit_code, 1);
  EXPECT_THAT(second->out, HasSubstr(absl::StrCat("process ", first->pid())));
}

TEST_F(UpTest, StartsAgainOnItsFolderAfterAKill) {
  const auto first = Start("first");
  first->Signal(SIGKILL);
  ASSERT_TRUE(first->Wait(kPatience).ok());
  const auto second = Start("second");
  second->Signal(SIGINT);
  EXPECT_EQ(*second->Wait(kPatience), 0) << second->Output();
}

TEST_F(UpTest, FaultsOfTheConfigurationStopTheStart) {
  ASSERT_TRUE(WriteFileDurably(temp_.path() / "limbeck.yaml", "teacher: []\nport: 1\n").ok());
  const auto result = limbeck::testing::RunToEnd(Program({"up"}, "up"), kPatience);
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->exit_code, 2);
  EXPECT_THAT(result->out, HasSubstr("teacher"));
  EXPECT_THAT(result->out, HasSubstr("port"));
}

}  // namespace
}  // namespace limbeck::cli
