#include "gateway/templates/rows/csv_record.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace limbeck::gateway {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::string Error(std::string_view record) {
  return std::string(ParseCsvRecord(record).status().message());
}

TEST(CsvRecordTest, SplitsPlainAndEmptyFields) {
  EXPECT_THAT(*ParseCsvRecord("a,b"), ElementsAre("a", "b"));
  EXPECT_THAT(*ParseCsvRecord(",,"), ElementsAre("", "", ""));
  EXPECT_THAT(*ParseCsvRecord(""), ElementsAre(""));
  EXPECT_THAT(*ParseCsvRecord("\"a\","), ElementsAre("a", ""));
}

TEST(CsvRecordTest, UnquotesCommasNewlinesAndDoubledQuotes) {
  EXPECT_THAT(*ParseCsvRecord("\"a,b\",\"x\r\ny\",\"say \"\"hi\"\"\",\"\""),
              ElementsAre("a,b", "x\r\ny", "say \"hi\"", ""));
}

TEST(CsvRecordTest, TabsMaySeparateFields) {
  EXPECT_THAT(*ParseCsvRecord("a,b\tc\t\"d\te\"\t", '\t'), ElementsAre("a,b", "c", "d\te", ""));
  EXPECT_THAT(std::string(ParseCsvRecord("\"b\"c", '\t').status().message()),
              HasSubstr("not valid TSV at column 4: expected a tab"));
}

TEST(CsvRecordTest, NamesWhatIsWrongAndWhere) {
  EXPECT_THAT(Error("a,\"b\"c"), HasSubstr("column 6: expected a comma"));
  EXPECT_THAT(Error("a,5\" disk"), HasSubstr("column 4: a quote inside a field"));
  EXPECT_THAT(Error("a,\"b"), HasSubstr("column 3: the quote opened here is never closed"));
  EXPECT_THAT(Error("\""), HasSubstr("never closed"));
}

}  // namespace
}  // namespace limbeck::gateway
