#include "gateway/templates/rows/row_validation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/file.h"

namespace limbeck::gateway {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class RowValidationTest : public ::testing::Test {
 protected:
  RowValidation Validate(const std::string& content, const RowValidationSpec& spec,
                         const RowReaderOptions& options = {}) {
    const auto path = directory_.path() / "rows.jsonl";
    EXPECT_TRUE(WriteFileDurably(path, content).ok());
    auto reader = RowReader::Open(path, RowFormat::kJsonLines, options);
    EXPECT_TRUE(reader.ok());
    auto result = ValidateRows(**reader, spec);
    EXPECT_TRUE(result.ok()) << result.status();
    return *std::move(result);
  }

  static std::vector<std::string> Messages(const RowValidation& result) {
    std::vector<std::string> messages;
    for (const RowFault& fault : result.faults) messages.push_back(fault.message);
    return messages;
  }

  ScopedTempDirectory directory_;
};

TEST_F(RowValidationTest, CollectsFaultsOfEveryKind) {
  const auto prompt = PromptTemplate::Compile({.user = "{{ text }}"});
  ASSERT_TRUE(prompt.ok());
  const auto result = Validate(
      "{\"text\":\"a\",\"label\":\"x\"}\n"
      "nonsense\n"
      "{\"label\":\"x\"}\n"
      "{\"text\":\"a\",\"label\":3}\n"
      "{\"text\":\"a\"}\n"
      "{\"text\":\"a\",\"label\":\"z\"}\n",
      {.prompt = &*prompt, .label_column = "label", .labels = {"x", "y"}});
  EXPECT_EQ(result.rows, 6u);
  EXPECT_EQ(result.faults_total, 5u);
  EXPECT_THAT(Messages(result),
              ElementsAre(HasSubstr("row 2 at byte 25: not valid JSON at column 2"),
                          "row 3 has no column 'text' used by template part user",
                          "row 4: label column 'label' is number; expected a string",
                          "row 5 has no label column 'label'", "row 6: label 'z' is none of x, y"));
  EXPECT_EQ(result.faults[1].row, 3u);
}

TEST_F(RowValidationTest, KeepsTheFirstFaultsAndCountsTheRest) {
  std::string content;
  for (int i = 0; i < 57; ++i) content += "[]\n";
  const auto result = Validate(content, {});
  EXPECT_EQ(result.faults.size(), 20u);
  EXPECT_EQ(result.faults_total, 57u);
  const absl::Status status = result.ToStatus();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()), HasSubstr("\nand 37 more"));
}

TEST_F(RowValidationTest, InputMustBeText) {
  const auto result = Validate("{\"text\":1}\n{\"text\":\" \\n\"}\n{}\n", {.input_column = "text"});
  EXPECT_THAT(
      Messages(result),
      ElementsAre("row 1: input column 'text' is number; expected a string",
                  "row 2: input column 'text' is empty", "row 3 has no input column 'text'"));
}

TEST_F(RowValidationTest, LabelsMayBeOptional) {
  EXPECT_TRUE(Validate("{}\n", {.label_column = "label", .label_required = false}).ok());
}

TEST_F(RowValidationTest, ExplicitIdsMayNotRepeatButContentMay) {
  const std::string content = "{\"id\":\"a\"}\n{\"id\":\"a\"}\n";
  EXPECT_THAT(Messages(Validate(content, {}, {.id_column = "id"})),
              ElementsAre("row 2 repeats the id 'a' of row 1"));
  EXPECT_TRUE(Validate(content, {}).ok());
}

TEST_F(RowValidationTest, TheExampleDataIsValid) {
  const char* source = std::getenv("LIMBECK_SOURCE_DIR");
  ASSERT_NE(source, nullptr) << "run through ctest";
  const auto directory = std::filesystem::path(source) / "examples/definitions";
  const auto prompt = PromptTemplate::Compile({.user = "Definition: {{ text }}"});
  ASSERT_TRUE(prompt.ok());
  const std::vector<std::pair<std::string, uint64_t>> files = {
      {"train.jsonl", 2000}, {"held_out.jsonl", 600}, {"glosses.jsonl", 200}};
  for (const auto& [name, rows] : files) {
    auto reader = RowReader::Open(directory / name, RowFormat::kJsonLines, {.id_column = "id"});
    ASSERT_TRUE(reader.ok()) << reader.status();
    const auto result =
        ValidateRows(**reader, {.prompt = &*prompt,
                                .input_column = "text",
                                .label_column = "label",
                                .labels = {"animal", "food", "person", "place", "plant"}});
    ASSERT_TRUE(result.ok());
    EXPECT_TRUE(result->ok()) << result->ToStatus();
    EXPECT_EQ(result->rows, rows);
  }
}

}  // namespace
}  // namespace limbeck::gateway
