#include "cli/print.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "base/error_details.h"
#include "cli/exit_codes.h"
#include "limbeck/v1/job.pb.h"

namespace limbeck::cli {
namespace {

using ::testing::HasSubstr;

TEST(FormatUsdTest, ShowsCentsAndKeepsSmallAmountsVisible) {
  EXPECT_EQ(FormatUsd(0), "$0.00");
  EXPECT_EQ(FormatUsd(12'340'000), "$12.34");
  EXPECT_EQ(FormatUsd(1'234'567'890'000), "$1,234,567.89");
  EXPECT_EQ(FormatUsd(12), "$0.000012");
  EXPECT_EQ(FormatUsd(3'100), "$0.0031");
  EXPECT_EQ(FormatUsd(1'999'999), "$2.00");
  EXPECT_EQ(FormatUsd(-5'000'000), "-$5.00");
}

TEST(ParseUsdTest, ReadsDollars) {
  EXPECT_EQ(*ParseUsd("25"), 25'000'000);
  EXPECT_EQ(*ParseUsd("$0.5"), 500'000);
  EXPECT_EQ(*ParseUsd("0.000001"), 1);
}

TEST(ParseUsdTest, RefusesWhatIsNoAmount) {
  for (const char* text :
       {"", "$", "-1", "1.", ".5", "1.1234567", "1e3", "12,5", "abc", "9999999999999"}) {
    EXPECT_EQ(ParseUsd(text).status().code(), absl::StatusCode::kInvalidArgument) << text;
  }
}

TEST(FormatTest, GroupsCountsAndScalesBytesAndSeconds) {
  EXPECT_EQ(FormatCount(7), "7");
  EXPECT_EQ(FormatCount(1'234'567), "1,234,567");
  EXPECT_EQ(FormatBytes(1023), "1023 B");
  EXPECT_EQ(FormatBytes(5u << 20), "5.0 MiB");
  EXPECT_EQ(FormatSeconds(0), "-");
  EXPECT_EQ(FormatSeconds(12.4), "12s");
  EXPECT_EQ(FormatSeconds(200), "3m20s");
  EXPECT_EQ(FormatSeconds(7'500), "2h05m");
}

TEST(PrintTableTest, AlignsByCharactersNotBytes) {
  std::ostringstream out;
  PrintTable({"A", "B"}, {{"é", "1"}, {"xyz", "2"}}, out);
  EXPECT_EQ(out.str(), "A    B\né    1\nxyz  2\n");
}

TEST(PrintJsonTest, KeepsFieldNamesAndZeroes) {
  v1::Progress progress;
  progress.set_steps_done(3);
  std::ostringstream out;
  ASSERT_TRUE(PrintJson(progress, out, true).ok());
  EXPECT_THAT(out.str(), HasSubstr("\"steps_done\":\"3\""));
  EXPECT_THAT(out.str(), HasSubstr("\"queries_bought\":\"0\""));
  EXPECT_EQ(out.str().back(), '\n');
}

TEST(PrintErrorTest, ShowsReasonAndOneLineForEachViolation) {
  const absl::Status status = WithReason(
      InvalidFields("the job", {{"task", "is required"}, {"budget", "must be positive"}}),
      "SPEC_INVALID");
  std::ostringstream err;
  PrintError(status, err);
  EXPECT_THAT(err.str(), HasSubstr("limbeck: SPEC_INVALID: "));
  EXPECT_THAT(err.str(), HasSubstr("\n  task: is required\n"));
  EXPECT_THAT(err.str(), HasSubstr("\n  budget: must be positive\n"));
}

TEST(ExitCodeForTest, TellsBadInputFromFailure) {
  EXPECT_EQ(ExitCodeFor(absl::InvalidArgumentError("x")), kExitBadInput);
  EXPECT_EQ(ExitCodeFor(absl::UnavailableError("x")), kExitFailure);
  EXPECT_EQ(ExitCodeFor(absl::FailedPreconditionError("x")), kExitFailure);
}

}  // namespace
}  // namespace limbeck::cli
