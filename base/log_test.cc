#include "base/log.h"

#include <gtest/gtest.h>

#include <thread>

#include "absl/strings/str_cat.h"
#include "base/secret.h"

namespace limbeck {
namespace {

class LogTest : public testing::Test {
 protected:
  void Configure(LogFormat format, LogLevel level = LogLevel::kDebug, size_t max_text = 8192) {
    LogOptions options;
    options.format = format;
    options.min_level = level;
    options.max_text_bytes = max_text;
    options.sink = [this](std::string_view line) { lines_.emplace_back(line); };
    ConfigureLog(options);
  }
  void TearDown() override { ConfigureLog({}); }

  // The line without its time and place.
  std::string Tail(size_t i) const { return lines_[i].substr(lines_[i].find("log_test.cc")); }

  std::vector<std::string> lines_;  // Guarded by the log, which calls the sink one at a time.
};

TEST_F(LogTest, WritesLevelPlaceMessageAndFields) {
  Configure(LogFormat::kText);
  LIMBECK_LOG(WARNING) << "slow " << 3 << LogField("ms", 12.5) << LogField("who", "a b")
                       << LogField("ok", false);
  ASSERT_EQ(lines_.size(), 1u);
  EXPECT_NE(lines_[0].find("Z WARNING base/log_test.cc:"), std::string::npos) << lines_[0];
  EXPECT_NE(lines_[0].find(" slow 3 ms=12.5 who=\"a b\" ok=false\n"), std::string::npos);
}

TEST_F(LogTest, LowerLevelsAreNeitherShownNorEvaluated) {
  Configure(LogFormat::kText, LogLevel::kWarning);
  int evaluated = 0;
  LIMBECK_LOG(INFO) << ++evaluated;
  LIMBECK_LOG(ERROR) << ++evaluated;
  EXPECT_EQ(evaluated, 1);
  EXPECT_EQ(lines_.size(), 1u);
}

TEST_F(LogTest, MessageStaysOneLineWhateverItHolds) {
  Configure(LogFormat::kText);
  LIMBECK_LOG(INFO) << "a\nb\r\x1b[31m" << LogField("k", "x\ny");
  EXPECT_EQ(lines_[0].find('\n'), lines_[0].size() - 1);
  EXPECT_NE(lines_[0].find("a\\nb\\u000d\\u001b[31m k=\"x\\ny\""), std::string::npos) << lines_[0];
}

TEST_F(LogTest, JsonIsEscapedAndValidUtf8) {
  Configure(LogFormat::kJson);
  LIMBECK_LOG(INFO) << "say \"hé\" \\ \xff \xed\xa0\x80" << LogField("k", 7);
  EXPECT_NE(lines_[0].find(R"("message":"say \"hé\" \\ \u00ff \u00ed\u00a0\u0080","k":"7"})"),
            std::string::npos)
      << lines_[0];
}

TEST_F(LogTest, SecretsAreReplacedInMessagesAndFields) {
  Configure(LogFormat::kJson);
  const Secret secret("tok\"en-123");
  LIMBECK_LOG(INFO) << "header Bearer tok\"en-123" << LogField("body", "x=tok\"en-123&y");
  EXPECT_EQ(lines_[0].find("en-123"), std::string::npos) << lines_[0];
  EXPECT_NE(lines_[0].find("Bearer [redacted]"), std::string::npos);
  EXPECT_NE(lines_[0].find("x=[redacted]&y"), std::string::npos);
}

TEST_F(LogTest, LongTextIsCutAndSaysSo) {
  Configure(LogFormat::kText, LogLevel::kInfo, 10);
  LIMBECK_LOG(INFO) << std::string(25, 'x');
  EXPECT_NE(lines_[0].find(" xxxxxxxxxx[15 more bytes]\n"), std::string::npos) << lines_[0];
}

TEST_F(LogTest, ThreadsDoNotMixLines) {
  Configure(LogFormat::kText);
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([] {
      for (int i = 0; i < 50; ++i) LIMBECK_LOG(INFO) << "hello" << LogField("i", i);
    });
  }
  for (std::thread& thread : threads) thread.join();
  ASSERT_EQ(lines_.size(), 200u);
  for (size_t i = 0; i < lines_.size(); ++i)
    EXPECT_NE(Tail(i).find(" hello i="), std::string::npos);
}

TEST(ParseLogOptionsTest, KnowsItsWords) {
  EXPECT_EQ(*ParseLogLevel("warning"), LogLevel::kWarning);
  EXPECT_FALSE(ParseLogLevel("loud").ok());
  EXPECT_EQ(*ParseLogFormat("json"), LogFormat::kJson);
  EXPECT_FALSE(ParseLogFormat("xml").ok());
}

}  // namespace
}  // namespace limbeck
