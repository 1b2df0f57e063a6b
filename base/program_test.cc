#include "base/program.h"

#include <gtest/gtest.h>

#include <string>

namespace limbeck {
namespace {

TEST(AllowDashesTest, ChangesNamesOfFlagsAndNothingElse) {
  std::string program = "a-b";
  std::string flag = "--data-dir=my-dir";
  std::string value = "x-y";
  char* argv[] = {program.data(), flag.data(), value.data()};
  AllowDashes(3, argv);
  EXPECT_EQ(program, "a-b");
  EXPECT_EQ(flag, "--data_dir=my-dir");
  EXPECT_EQ(value, "x-y");
}

TEST(BlockStopSignalsTest, ASignalWaitsForSigwait) {
  const sigset_t signals = BlockStopSignals();
  ASSERT_EQ(raise(SIGTERM), 0);
  int signal = 0;
  ASSERT_EQ(sigwait(&signals, &signal), 0);
  EXPECT_EQ(signal, SIGTERM);
}

}  // namespace
}  // namespace limbeck
