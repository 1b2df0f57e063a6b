#include "base/program.h"

#include <gtest/gtest.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include <cstdlib>
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

// Whether this process would leave a core file, where its surroundings want one.
bool MayDumpCore() {
  rlimit limit{};
  getrlimit(RLIMIT_CORE, &limit);
  return prctl(PR_GET_DUMPABLE) == 1 && limit.rlim_cur == limit.rlim_max;
}

[[noreturn]] void ForbidAndTell(const char* wanted) {
  if (wanted != nullptr) setenv("LIMBECK_CORE_DUMPS", wanted, 1);
  rlimit limit{};
  getrlimit(RLIMIT_CORE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_CORE, &limit);
  ForbidCoreDumps();
  getrlimit(RLIMIT_CORE, &limit);
  if (MayDumpCore()) std::exit(1);
  std::exit(prctl(PR_GET_DUMPABLE) == 0 && limit.rlim_cur == 0 ? 0 : 2);
}

TEST(ForbidCoreDumpsTest, NoCoreIsWrittenUnlessTheEnvironmentAsksForIt) {
  EXPECT_EXIT(ForbidAndTell(nullptr), ::testing::ExitedWithCode(0), "");
  EXPECT_EXIT(ForbidAndTell("0"), ::testing::ExitedWithCode(0), "");
  EXPECT_EXIT(ForbidAndTell("1"), ::testing::ExitedWithCode(1), "");
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
