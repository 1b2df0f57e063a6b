#include "base/kv/database_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/file.h"

namespace limbeck::kv {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(DatabaseConfigTest, BecomesOptionsWithDefaults) {
  v1::DatabaseConfig config;
  config.set_connection("host=db.example dbname=limbeck");
  const auto options = ToOpenOptions(config);
  ASSERT_TRUE(options.ok()) << options.status();
  EXPECT_EQ(options->driver, "postgres");
  EXPECT_EQ(options->connection, "host=db.example dbname=limbeck");
  EXPECT_EQ(options->max_connections, 8);
  EXPECT_EQ(options->timeout, absl::Seconds(15));
  EXPECT_TRUE(options->password.empty());
}

TEST(DatabaseConfigTest, ReadsThePasswordFromItsFile) {
  const ScopedTempDirectory directory;
  const std::string path = directory.path() / "password";
  ASSERT_TRUE(WriteFileDurably(path, "hunter2\n").ok());
  v1::DatabaseConfig config;
  config.set_connection("postgresql://limbeck@db.example/limbeck?sslmode=verify-full");
  config.mutable_password()->set_file(path);
  const auto options = ToOpenOptions(config);
  ASSERT_TRUE(options.ok()) << options.status();
  EXPECT_TRUE(options->password.Matches("hunter2"));
}

TEST(DatabaseConfigTest, NamesAllFaultsAndNoPassword) {
  v1::DatabaseConfig config;
  config.set_max_connections(2'000);
  config.set_timeout_seconds(301);
  for (const char* connection :
       {"postgresql://limbeck:hunter2@db.example/limbeck", "password=hunter2 bad", "", "hunter2"}) {
    config.set_connection(connection);
    const absl::Status status = ToOpenOptions(config).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
    const std::string text = status.ToString();
    EXPECT_THAT(text, HasSubstr("database.connection"));
    EXPECT_THAT(text, HasSubstr("database.max_connections is 2000"));
    EXPECT_THAT(text, HasSubstr("database.timeout_seconds is 301"));
    EXPECT_THAT(text, Not(HasSubstr("hunter2")));
  }
}

}  // namespace
}  // namespace limbeck::kv
