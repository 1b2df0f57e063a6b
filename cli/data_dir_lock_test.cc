#include "cli/data_dir_lock.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "absl/strings/str_cat.h"
#include "base/file.h"

namespace limbeck::cli {
namespace {

using ::testing::HasSubstr;

TEST(DataDirLockTest, CreatesTheFolderAndLetsOneHolderIn) {
  const ScopedTempDirectory temp;
  const auto folder = temp.path() / "data";
  auto first = DataDirLock::Take(folder);
  ASSERT_TRUE(first.ok()) << first.status();
  ASSERT_TRUE((*first)->Describe("gateway on 127.0.0.1:7400").ok());
  const auto second = DataDirLock::Take(folder);
  EXPECT_EQ(second.status().code(), absl::StatusCode::kFailedPrecondition);
  const std::string message(second.status().message());
  EXPECT_THAT(message, HasSubstr(absl::StrCat("process ", getpid())));
  EXPECT_THAT(message, HasSubstr("gateway on 127.0.0.1:7400"));
  first->reset();
  EXPECT_TRUE(DataDirLock::Take(folder).ok());
}

}  // namespace
}  // namespace limbeck::cli
