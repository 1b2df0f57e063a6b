#include "gateway/templates/rows/row_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/file.h"
#include "gateway/templates/rows/compress_for_test.h"

namespace limbeck::gateway {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

class RowReaderTest : public ::testing::Test {
 protected:
  absl::StatusOr<std::unique_ptr<RowReader>> Open(const std::string& content, RowFormat format,
                                                  const RowReaderOptions& options = {}) {
    const auto path = directory_.path() / absl::StrCat("file", files_++);
    EXPECT_TRUE(WriteFileDurably(path, content).ok());
    return RowReader::Open(path, format, options);
  }

  // Columns of every row; errors as "! message".
  static std::vector<std::string> All(RowReader& reader) {
    std::vector<std::string> all;
    while (true) {
      auto row = reader.Next();
      if (!row.ok()) {
        all.push_back(absl::StrCat("! ", row.status().message()));
      } else if (row->has_value()) {
        all.push_back((*row)->columns);
      } else {
        return all;
      }
    }
  }

  ScopedTempDirectory directory_;
  int files_ = 0;
};

TEST_F(RowReaderTest, ReadsJsonLines) {
  auto reader = Open("\xef\xbb\xbf{\"text\":\"a\"}\n\n{\"text\":\"b\"}", RowFormat::kJsonLines);
  ASSERT_TRUE(reader.ok());
  auto row = (*reader)->Next();
  ASSERT_TRUE(row.ok() && row->has_value());
  EXPECT_EQ((*row)->index, 0u);
  EXPECT_EQ((*row)->offset, 3u);
  EXPECT_EQ((*row)->columns, R"({"text":"a"})");
  EXPECT_THAT(All(**reader), ElementsAre(R"({"text":"b"})"));
}

TEST_F(RowReaderTest, ReadsCsvWithQuotedNewlinesAndByteOrderMark) {
  auto reader = Open("\xef\xbb\xbfid,text\r\n1,\"two\nlines, \"\"quoted\"\"\"\r\n2,\r\n",
                     RowFormat::kCsv, {.id_column = "id"});
  ASSERT_TRUE(reader.ok()) << reader.status();
  EXPECT_THAT((*reader)->header(), ElementsAre("id", "text"));
  auto row = (*reader)->Next();
  ASSERT_TRUE(row.ok() && row->has_value()) << row.status();
  EXPECT_EQ((*row)->id, "1");
  EXPECT_THAT(All(**reader), ElementsAre(R"({"id":"2","text":""})"));
  ASSERT_TRUE((*reader)->Seek(0).ok());
  EXPECT_EQ(All(**reader)[0], R"({"id":"1","text":"two\nlines, \"quoted\""})");
}

TEST_F(RowReaderTest, ReadsTsvWithEmptyFieldsAndQuotedTabs) {
  auto reader = Open("id\ttext\n1\t\"a\tb\nc\"\n\t\n2\td,e\n", RowFormat::kTsv);
  ASSERT_TRUE(reader.ok()) << reader.status();
  EXPECT_THAT(All(**reader), ElementsAre(R"({"id":"1","text":"a\tb\nc"})", R"({"id":"","text":""})",
                                         R"({"id":"2","text":"d,e"})"));
  EXPECT_THAT(std::string(Open("", RowFormat::kTsv).status().message()), HasSubstr("the TSV file"));
}

TEST_F(RowReaderTest, CompressedFilesGiveTheSameRowsAndIds) {
  std::string content;
  for (int i = 0; i < 50; ++i) content += absl::StrCat("{\"n\":", i, "}\n");
  std::vector<std::string> ids;
  for (const std::string& bytes : {content, GzipForTest(content), ZstdForTest(content)}) {
    auto reader = Open(bytes, RowFormat::kJsonLines, {.buffer_bytes = 64, .index_stride = 10});
    ASSERT_TRUE(reader.ok());
    EXPECT_EQ(All(**reader).size(), 50u);
    ASSERT_TRUE((*reader)->Seek(33).ok());
    const auto row = (*reader)->Next();
    ASSERT_TRUE(row.ok() && row->has_value());
    EXPECT_EQ((*row)->columns, "{\"n\":33}");
    EXPECT_EQ((*row)->offset, content.find("{\"n\":33}"));
    ids.push_back((*row)->id);
  }
  EXPECT_EQ(ids[1], ids[0]);
  EXPECT_EQ(ids[2], ids[0]);
}

TEST_F(RowReaderTest, DamagedAndOversizedCompressionNamesTheLastGoodRow) {
  std::string content;
  for (int i = 0; i < 2000; ++i) content += absl::StrCat("{\"n\":", i * 7919 % 1000, "}\n");
  const std::string whole = GzipForTest(content);
  auto reader = Open(whole.substr(0, whole.size() / 2), RowFormat::kJsonLines);
  ASSERT_TRUE(reader.ok());
  absl::StatusOr<std::optional<Row>> row;
  do row = (*reader)->Next();
  while (row.ok() && row->has_value());
  EXPECT_EQ(row.status().code(), absl::StatusCode::kDataLoss);
  EXPECT_THAT(std::string(row.status().message()), StartsWith("after row "));
  EXPECT_THAT(std::string(row.status().message()), HasSubstr("cut off"));

  auto bomb = Open(ZstdForTest(content), RowFormat::kJsonLines,
                   {.decompression = {.max_plain_bytes = 1000}});
  ASSERT_TRUE(bomb.ok());
  do row = (*bomb)->Next();
  while (row.ok() && row->has_value());
  EXPECT_EQ(row.status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_THAT(std::string(row.status().message()), HasSubstr("more than 1000 bytes"));
}

TEST_F(RowReaderTest, MalformedRowsNameNumberOffsetAndExpectationAndReadingGoesOn) {
  auto reader = Open("{\"a\":1}\n{\"a\" 2}\n[]\n{\"a\":4}\n", RowFormat::kJsonLines);
  ASSERT_TRUE(reader.ok());
  const auto all = All(**reader);
  ASSERT_EQ(all.size(), 4u);
  EXPECT_THAT(all[1], StartsWith("! row 2 at byte 8: not valid JSON at column 6: "));
  EXPECT_THAT(all[2], StartsWith("! row 3 at byte 16: not a JSON object"));
  EXPECT_EQ(all[3], "{\"a\":4}");
}

TEST_F(RowReaderTest, CsvFaultsAreNamed) {
  auto reader = Open("a,b\n1\n1,2,3\n\xff,2\nx\"y,2\n1,2\n1,\"never", RowFormat::kCsv);
  ASSERT_TRUE(reader.ok());
  const auto all = All(**reader);
  ASSERT_EQ(all.size(), 6u);
  EXPECT_EQ(all[0], "! row 1 at byte 4: has 1 fields; the header has 2");
  EXPECT_EQ(all[1], "! row 2 at byte 6: has 3 fields; the header has 2");
  EXPECT_THAT(all[2], HasSubstr("row 3 at byte 12: not valid UTF-8"));
  EXPECT_THAT(all[3], HasSubstr("column 2: a quote inside a field"));
  EXPECT_EQ(all[4], R"({"a":"1","b":"2"})");
  EXPECT_THAT(all[5], HasSubstr("row 6 at byte 26: not valid CSV at column 3: the quote opened"));
}

TEST_F(RowReaderTest, BadHeadersAreRefused) {
  EXPECT_THAT(std::string(Open("", RowFormat::kCsv).status().message()), HasSubstr("header row"));
  EXPECT_THAT(std::string(Open("a,a\n", RowFormat::kCsv).status().message()),
              HasSubstr("repeats column 'a'"));
  EXPECT_THAT(std::string(Open("a,\n", RowFormat::kCsv).status().message()),
              HasSubstr("header field 2 is empty"));
  EXPECT_THAT(std::string(Open("a,\"b\n", RowFormat::kCsv).status().message()),
              HasSubstr("never closed"));
}

TEST_F(RowReaderTest, RowsLongerThanTheLimitAreRefusedAndSkipped) {
  const std::string small = R"({"a":"b"})";
  auto reader = Open("{\"a\":\"" + std::string(100, 'x') + "\"}\n" + small, RowFormat::kJsonLines,
                     {.max_row_bytes = 50});
  ASSERT_TRUE(reader.ok());
  EXPECT_THAT(All(**reader),
              ElementsAre("! row 1 at byte 0: longer than the limit of 50 bytes", small));
}

TEST_F(RowReaderTest, StartsWhereAnotherReaderHasBeen) {
  std::string plain = "id,text\n";
  for (int i = 0; i < 100; ++i) absl::StrAppend(&plain, i, ",\"row\n", i, "\"\n");
  for (const std::string& file : {plain, GzipForTest(plain), ZstdForTest(plain)}) {
    const RowReaderOptions options = {.id_column = "id", .index_stride = 8};
    auto first = Open(file, RowFormat::kCsv, options);
    ASSERT_TRUE(first.ok()) << first.status();
    ASSERT_TRUE((*first)->Seek(100).ok());
    auto second = Open(file, RowFormat::kCsv, options);
    (*second)->StartAt(48, (*first)->OffsetBefore(48));
    EXPECT_EQ((*second)->Next().value()->id, "48");
    // Rows before and behind are still found.
    for (const uint64_t index : {97, 3, 50}) {
      ASSERT_TRUE((*second)->Seek(index).ok());
      EXPECT_EQ((*second)->Next().value()->id, absl::StrCat(index));
    }
  }
}

TEST_F(RowReaderTest, RowsMayGoWithoutIds) {
  auto reader = Open("{\"text\":\"a\"}\n", RowFormat::kJsonLines, {.ids = false});
  EXPECT_EQ((*reader)->Next().value()->id, "");
}

TEST_F(RowReaderTest, GivesTheTextOfAColumnOrWhyThereIsNone) {
  auto reader = Open("{\"text\":\"a\"}\n{\"text\":7}\n{\"text\":null}\n{}\n", RowFormat::kJsonLines,
                     {.text_column = "text"});
  EXPECT_EQ((*reader)->Next().value()->text.value(), "a");
  EXPECT_EQ((*reader)->Next().value()->text.value(), "7");
  for (int i = 0; i < 2; ++i) {
    const auto row = (*reader)->Next();
    EXPECT_EQ(row.value()->text.status(), ColumnText(row.value()->columns, "text").status());
    EXPECT_FALSE(row.value()->text.ok());
  }
}

TEST_F(RowReaderTest, SeeksToAnyRowThroughTheSparseIndex) {
  std::string content;
  for (int i = 0; i < 100; ++i) content += absl::StrCat("{\"n\":", i, "}\n", i % 7 ? "" : "\n");
  for (const uint64_t stride : {1, 3, 10, 1000}) {
    auto reader =
        Open(content, RowFormat::kJsonLines, {.buffer_bytes = 64, .index_stride = stride});
    ASSERT_TRUE(reader.ok());
    for (const uint64_t index : {50, 0, 99, 98, 12, 13, 30}) {
      ASSERT_TRUE((*reader)->Seek(index).ok());
      const auto row = (*reader)->Next();
      ASSERT_TRUE(row.ok() && row->has_value());
      EXPECT_EQ((*row)->index, index);
      EXPECT_EQ((*row)->columns, absl::StrCat("{\"n\":", index, "}"));
    }
    EXPECT_TRUE((*reader)->Seek(100).ok());
    EXPECT_FALSE((*reader)->Next()->has_value());
    const absl::Status past = (*reader)->Seek(101);
    EXPECT_EQ(past.code(), absl::StatusCode::kOutOfRange);
    EXPECT_THAT(std::string(past.message()), HasSubstr("the file has 100 rows"));
  }
}

TEST_F(RowReaderTest, RereadingARangeGivesTheSameFaults) {
  auto reader = Open("{\"a\":1}\noops\n{\"a\":3}\n", RowFormat::kJsonLines, {.index_stride = 1});
  ASSERT_TRUE(reader.ok());
  const auto first = All(**reader);
  ASSERT_TRUE((*reader)->Seek(1).ok());
  EXPECT_THAT(All(**reader), ElementsAre(first[1], first[2]));
}

TEST_F(RowReaderTest, ContentHashIdsDoNotDependOnFormatOrColumnOrder) {
  auto json = Open("{\"b\":\"2\",\"a\":\"1\"}\n{\"a\":\"1\",\"b\":\"3\"}\n", RowFormat::kJsonLines);
  auto csv = Open("a,b\n1,2\n", RowFormat::kCsv);
  ASSERT_TRUE(json.ok() && csv.ok());
  const std::string id = (*(*json)->Next())->id;
  EXPECT_EQ(id.size(), 32u);
  EXPECT_EQ((*(*csv)->Next())->id, id);
  EXPECT_NE((*(*json)->Next())->id, id);
}

TEST_F(RowReaderTest, IdColumnMustHoldATextOrAnInteger) {
  auto reader = Open("{\"k\":7}\n{\"k\":\"x\"}\n{\"k\":1.5}\n{\"k\":\"\"}\n{}\n",
                     RowFormat::kJsonLines, {.id_column = "k"});
  ASSERT_TRUE(reader.ok());
  EXPECT_EQ((*(*reader)->Next())->id, "7");
  EXPECT_EQ((*(*reader)->Next())->id, "x");
  const auto rest = All(**reader);
  EXPECT_THAT(rest,
              ElementsAre(HasSubstr("id column 'k' is number"), HasSubstr("id column 'k' is empty"),
                          HasSubstr("no id column 'k'")));
}

TEST_F(RowReaderTest, MissingFileIsNamed) {
  EXPECT_EQ(RowReader::Open("/nonexistent/x.csv", RowFormat::kCsv).status().code(),
            absl::StatusCode::kNotFound);
}

}  // namespace
}  // namespace limbeck::gateway
