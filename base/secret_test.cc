#include "base/secret.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <sstream>
#include <type_traits>

#include "base/file.h"
#include "base/log.h"

namespace limbeck {
namespace {

template <typename T, typename = void>
struct Streamable : std::false_type {};
template <typename T>
struct Streamable<T, std::void_t<decltype(std::declval<std::ostream&>() << std::declval<T>())>>
    : std::true_type {};

TEST(SecretTest, CannotBeStreamed) {
  EXPECT_FALSE(Streamable<const Secret&>::value);
  EXPECT_TRUE(Streamable<int>::value);
}

TEST(SecretTest, ReadsAFileWithoutItsLineEnd) {
  const ScopedTempDirectory dir;
  const std::string path = (dir.path() / "token").string();
  ASSERT_TRUE(WriteFileDurably(path, "  s3cret-value\n").ok());
  EXPECT_EQ(Secret::FromFile(path)->Reveal(), "s3cret-value");
}

TEST(SecretTest, MissingAndEmptyFilesAreNamed) {
  const ScopedTempDirectory dir;
  const std::string path = (dir.path() / "token").string();
  EXPECT_EQ(Secret::FromFile(path).status().code(), absl::StatusCode::kNotFound);
  ASSERT_TRUE(WriteFileDurably(path, "\n").ok());
  const absl::Status status = Secret::FromFile(path).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_NE(status.message().find(path), std::string::npos);
}

TEST(SecretTest, ReadsTheEnvironment) {
  ::setenv("LIMBECK_SECRET_TEST", "from-environment", 1);
  EXPECT_EQ(Secret::FromEnv("LIMBECK_SECRET_TEST")->Reveal(), "from-environment");
  ::unsetenv("LIMBECK_SECRET_TEST");
  EXPECT_EQ(Secret::FromEnv("LIMBECK_SECRET_TEST").status().code(), absl::StatusCode::kNotFound);
}

TEST(SecretTest, MatchesItselfOnly) {
  const Secret secret("abcdefgh");
  EXPECT_TRUE(secret.Matches("abcdefgh"));
  EXPECT_FALSE(secret.Matches("abcdefgi"));
  EXPECT_FALSE(secret.Matches("abcdefg"));
  EXPECT_FALSE(secret.Matches(""));
}

TEST(SecretTest, MovedFromIsEmpty) {
  Secret secret("a-moved-secret");
  const Secret other = std::move(secret);
  EXPECT_EQ(other.Reveal(), "a-moved-secret");
  EXPECT_TRUE(secret.empty());  // NOLINT(bugprone-use-after-move)
}

TEST(SecretTest, IsRedactedInText) {
  const Secret secret("a-rather-long-secret");
  EXPECT_EQ(Redact("key=a-rather-long-secret!"), "key=[redacted]!");
}

}  // namespace
}  // namespace limbeck
