#include "gateway/teachers/access_token.h"

#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>

#include "base/file.h"

namespace limbeck::gateway {
namespace {

TEST(TokenFileTest, IsReadAgainWhenItChanges) {
  const ScopedTempDirectory directory;
  const std::filesystem::path path = directory.path() / "token";
  TokenFile file(path.string());
  EXPECT_EQ(file.Current().status().code(), absl::StatusCode::kUnavailable);

  ASSERT_TRUE(WriteFileDurably(path, "first-token\n").ok());
  EXPECT_EQ(file.Current()->Reveal(), "first-token");

  ASSERT_TRUE(WriteFileDurably(path, "second-token\n").ok());
  std::filesystem::last_write_time(
      path, std::filesystem::last_write_time(path) + std::chrono::seconds(1));
  EXPECT_EQ(file.Current()->Reveal(), "second-token");
}

TEST(TokenFileTest, AFileThatIsGoneOrEmptyLeavesTheLastToken) {
  const ScopedTempDirectory directory;
  const std::filesystem::path path = directory.path() / "token";
  ASSERT_TRUE(WriteFileDurably(path, "some-token").ok());
  TokenFile file(path.string());
  ASSERT_TRUE(file.Current().ok());

  ASSERT_TRUE(WriteFileDurably(path, "").ok());
  EXPECT_EQ(file.Current()->Reveal(), "some-token");
  std::filesystem::remove(path);
  EXPECT_EQ(file.Current()->Reveal(), "some-token");
}

}  // namespace
}  // namespace limbeck::gateway
