#include "gateway/templates/rows/record_splitter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/file.h"

namespace limbeck::gateway {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::vector<RawRecord> Split(const std::string& content, RecordKind kind, size_t max_bytes = 100) {
  ScopedTempDirectory directory;
  const auto path = directory.path() / "file";
  EXPECT_TRUE(WriteFileDurably(path, content).ok());
  auto source = ByteSource::Open(path, 3);
  EXPECT_TRUE(source.ok());
  std::vector<RawRecord> records;
  RawRecord record;
  while (ReadRecord(**source, kind, max_bytes, record)) records.push_back(record);
  EXPECT_TRUE((*source)->status().ok());
  return records;
}

std::vector<std::string> Texts(const std::vector<RawRecord>& records) {
  std::vector<std::string> texts;
  for (const RawRecord& record : records) texts.push_back(record.bytes);
  return texts;
}

TEST(RecordSplitterTest, SplitsLinesAtEitherEndingAndSkipsBlankOnes) {
  const auto records = Split("a\r\n\n  \r\nb\nc", RecordKind::kLine);
  EXPECT_THAT(Texts(records), ElementsAre("a", "b", "c"));
  EXPECT_EQ(records[1].offset, 8u);
  EXPECT_THAT(Split("", RecordKind::kLine), IsEmpty());
  EXPECT_THAT(Split("\n\n", RecordKind::kCsvRecord), IsEmpty());
}

TEST(RecordSplitterTest, QuotedNewlinesStayInsideCsvRecords) {
  EXPECT_THAT(Texts(Split("\"a\nb\",c\n\"say \"\"x\n\"\"\",d\r\ne,f\n", RecordKind::kCsvRecord)),
              ElementsAre("\"a\nb\",c", "\"say \"\"x\n\"\"\",d", "e,f"));
}

TEST(RecordSplitterTest, AStrayQuoteCostsOneRecordOnly) {
  EXPECT_THAT(Texts(Split("5\" disk,a\nb,c\n", RecordKind::kCsvRecord)),
              ElementsAre("5\" disk,a", "b,c"));
}

TEST(RecordSplitterTest, AQuoteNeverClosedIsMarked) {
  const auto records = Split("a,\"b\nc\n", RecordKind::kCsvRecord);
  ASSERT_EQ(records.size(), 1u);
  EXPECT_TRUE(records[0].unclosed_quote);
}

TEST(RecordSplitterTest, LongRecordsAreCutAndTheNextIsWhole) {
  const auto records = Split("0123456\n12345\r\n1\n", RecordKind::kLine, 5);
  EXPECT_THAT(Texts(records), ElementsAre("01234", "12345", "1"));
  EXPECT_TRUE(records[0].too_long);
  EXPECT_FALSE(records[1].too_long);
  EXPECT_FALSE(records[2].too_long);
}

}  // namespace
}  // namespace limbeck::gateway
