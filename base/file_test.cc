#include "base/file.h"

#include <gtest/gtest.h>

namespace limbeck {
namespace {

TEST(WriteFileDurablyTest, ReplacesAndLeavesNothingBeside) {
  const ScopedTempDirectory dir;
  const auto path = dir.path() / "a";
  ASSERT_TRUE(WriteFileDurably(path, "old").ok());
  ASSERT_TRUE(WriteFileDurably(path, "new").ok());
  EXPECT_EQ(ReadFile(path).value(), "new");
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(dir.path()), {}), 1);
}

TEST(ReadFileTest, NamesTheMissingPath) {
  const auto result = ReadFile("/nonexistent/x");
  EXPECT_EQ(result.status().code(), absl::StatusCode::kNotFound);
  EXPECT_NE(result.status().message().find("/nonexistent/x"), std::string::npos);
}

TEST(ScopedTempDirectoryTest, IsGoneAfterwards) {
  std::filesystem::path path;
  {
    const ScopedTempDirectory dir;
    path = dir.path();
    ASSERT_TRUE(WriteFileDurably(path / "x", "y").ok());
  }
  EXPECT_FALSE(std::filesystem::exists(path));
}

}  // namespace
}  // namespace limbeck
