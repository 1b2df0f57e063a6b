#include "base/config/yaml.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "base/error_details.h"
#include "base/file.h"
#include "base/string_view.h"
#include "config_test.pb.h"

namespace limbeck::config {
namespace {

using sample::Sample;
using ::testing::HasSubstr;

// "path: description" of every violation.
std::vector<std::string> Problems(std::string_view text) {
  Sample sample;
  const absl::Status status = ParseYaml(text, "test.yaml", &sample);
  std::vector<std::string> problems;
  for (const FieldViolation& violation : GetFieldViolations(status)) {
    problems.push_back(absl::StrCat(violation.field, ": ", violation.description));
  }
  if (problems.empty() && !status.ok()) problems.emplace_back(status.message());
  return problems;
}

std::string Problem(std::string_view text) {
  const std::vector<std::string> problems = Problems(text);
  return problems.size() == 1 ? problems[0] : absl::StrCat(problems.size(), " problems");
}

TEST(ParseYamlTest, ReadsEveryKindOfField) {
  Sample sample;
  const absl::Status status = ParseYaml(R"(
name: hello world
enabled: true
small: -7
count: 4294967295
large: "-9223372036854775808"
huge: 18446744073709551615
weight: .5
learningRate: 1e-3
color: COLOR_BLUE
data: aGk=
tags: [a, "42", 'true', no]
children:
  - name: first
  - {name: second, children: [{name: third}]}
limits: {a: 1, 7: 2}
by_number: {7: {name: seven}}
url: https://example.org/
timeout: 1.5s
created: 2026-01-31T12:00:00Z
free: {a: [1, two, null, {b: false}], c: 2.5}
maybe: 3
ratio: 0
)",
                                        "test.yaml", &sample);
  ASSERT_TRUE(status.ok()) << status;
  EXPECT_EQ(sample.name(), "hello world");
  EXPECT_TRUE(sample.enabled());
  EXPECT_EQ(sample.small(), -7);
  EXPECT_EQ(sample.count(), 4294967295u);
  EXPECT_EQ(sample.large(), std::numeric_limits<int64_t>::min());
  EXPECT_EQ(sample.huge(), std::numeric_limits<uint64_t>::max());
  EXPECT_EQ(sample.weight(), 0.5f);
  EXPECT_EQ(sample.learning_rate(), 1e-3);
  EXPECT_EQ(sample.color(), limbeck::config::sample::COLOR_BLUE);
  EXPECT_EQ(sample.data(), "hi");
  EXPECT_THAT(sample.tags(), ::testing::ElementsAre("a", "42", "true", "no"));
  EXPECT_EQ(sample.children(1).children(0).name(), "third");
  EXPECT_EQ(sample.limits().at("7"), 2);
  EXPECT_EQ(sample.by_number().at(7).name(), "seven");
  EXPECT_EQ(sample.url(), "https://example.org/");
  EXPECT_EQ(sample.timeout().nanos(), 500'000'000);
  EXPECT_EQ(sample.created().seconds(), 1769860800);
  EXPECT_EQ(sample.free().fields().at("a").list_value().values_size(), 4);
  EXPECT_EQ(sample.maybe().value(), 3);
  EXPECT_TRUE(sample.has_ratio());
}

TEST(ParseYamlTest, ReportsEveryProblemAtOnceWithPathAndLine) {
  EXPECT_THAT(
      Problems("nmae: x\nenabled: yes\nchildren:\n  - small: 2147483648\n    tags: one\n"
               "color: RED\n"),
      ::testing::ElementsAre(
          "nmae: line 1: unknown field; did you mean name?",
          "enabled: line 2: expected true or false, got \"yes\"",
          "children[0].small: line 4: expected a whole number from -2147483648 to 2147483647, got "
          "\"2147483648\"",
          "children[0].tags: line 5: expected a list, got one value",
          "color: line 6: expected one of COLOR_UNSPECIFIED, COLOR_RED, COLOR_BLUE, got \"RED\""));
}

TEST(ParseYamlTest, StringsThatLookTypedMustBeQuoted) {
  for (const char* value : {"42", "-1.5", "1e5", "true", ".5"}) {
    EXPECT_EQ(Problem(absl::StrCat("name: ", value)),
              absl::StrCat("name: line 1: expected a string, quote it: \"", value, "\""));
  }
  for (const char* value : {"'42'", "\"true\"", "v1", "1.2.3", "1s", "no", "nan", "!!str 42"}) {
    EXPECT_THAT(Problems(absl::StrCat("name: ", value)), ::testing::IsEmpty()) << value;
  }
}

TEST(ParseYamlTest, ScalarsOfTheWrongTypeAreRefused) {
  for (const char* line : {"enabled: 'true'",
                           "enabled: 1",
                           "small: 1.0",
                           "small: 1e3",
                           "small: +1",
                           "count: -1",
                           "huge: 18446744073709551616",
                           "weight: 1e39",
                           "ratio: .nan",
                           "ratio: inf",
                           "ratio: x",
                           "color: 1",
                           "color: color_red",
                           "data: '***'",
                           "timeout: 5",
                           "timeout: 5m",
                           "timeout: 1.0000000001s",
                           "created: yesterday",
                           "maybe: x",
                           "limits: {a: x}",
                           "by_number: {x: {}}",
                           "limits: [1]",
                           "name: [a]",
                           "name: {a: b}",
                           "children: {name: x}",
                           "children: [x]",
                           "tags: [[a]]",
                           "name:",
                           "name: ~",
                           "tags: [~]",
                           "[a]: b",
                           "timeout: {}"}) {
    EXPECT_EQ(Problems(line).size(), 1u) << line;
    EXPECT_THAT(Problem(line), HasSubstr("line 1: ")) << line;
  }
}

TEST(ParseYamlTest, DoubledFieldsAndOneofMembersAreRefused) {
  EXPECT_EQ(Problem("name: a\nname: b"), "name: line 2: is set twice");
  EXPECT_EQ(Problem("learning_rate: 1\nlearningRate: 2"), "learningRate: line 2: is set twice");
  EXPECT_EQ(Problem("limits: {a: 1, a: 2}"), "limits[\"a\"]: line 1: is set twice");
  EXPECT_EQ(Problem("file: a\nurl: b"), "url: line 2: only one of file and url may be set");
}

TEST(ParseYamlTest, MalformedYamlNamesItsLine) {
  EXPECT_THAT(Problem("name: a\n  b: [c"), HasSubstr("test.yaml line "));
  EXPECT_THAT(Problem("just text"), HasSubstr("expected fields of Sample"));
  EXPECT_THAT(Problem("name: a\n---\nname: b\n"),
              HasSubstr("more than one document: another begins at line 2"));
  // yaml-cpp alone finds documents in these for ever.
  for (const char* endless : {",", ",name: a", "{name: a},b", "name: a\n...\n,\n"}) {
    EXPECT_THAT(Problem(endless), HasSubstr("more than one document")) << endless;
  }
  EXPECT_THAT(Problem("name: *nowhere"), HasSubstr("line 1"));
}

TEST(ParseYamlTest, FailureLeavesTheMessageAlone) {
  Sample sample;
  sample.set_name("before");
  EXPECT_FALSE(ParseYaml("name: after\nsmall: x", "test.yaml", &sample).ok());
  EXPECT_EQ(sample.name(), "before");
  EXPECT_TRUE(ParseYaml("", "test.yaml", &sample).ok());
  EXPECT_EQ(sample.name(), "");
}

TEST(ParseYamlTest, AliasesWorkAndBombsDoNot) {
  Sample sample;
  ASSERT_TRUE(ParseYaml("children: [&x {name: a}, *x]", "test.yaml", &sample).ok());
  EXPECT_EQ(sample.children(1).name(), "a");
  std::string bomb = "free:\n  a0: &a0 [x, x]\n";
  for (int i = 1; i < 40; ++i) {
    absl::StrAppend(&bomb, "  a", i, ": &a", i, " [*a", i - 1, ", *a", i - 1, "]\n");
  }
  EXPECT_EQ(ParseYaml(bomb, "bomb.yaml", &sample).code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(ParseYaml("free: &a {b: *a}", "loop.yaml", &sample).code(),
            absl::StatusCode::kResourceExhausted);
}

TEST(ParseYamlTest, SizeDepthAndProblemsAreLimited) {
  Sample sample;
  YamlLimits limits;
  limits.max_bytes = 10;
  EXPECT_EQ(ParseYaml("name: abcdefgh", "x", &sample, limits).code(),
            absl::StatusCode::kResourceExhausted);
  std::string deep;
  for (int i = 0; i < 100; ++i) deep += "{children: [";
  for (int i = 0; i < 100; ++i) deep += "]}";
  EXPECT_EQ(ParseYaml(deep, "x", &sample).code(), absl::StatusCode::kResourceExhausted);
  std::string many;
  for (int i = 0; i < 500; ++i) absl::StrAppend(&many, "zz", i, ": 1\n");
  EXPECT_EQ(Problems(many).size(), 101u);
  EXPECT_FALSE(ParseYaml(std::string(100'000, '['), "x", &sample).ok());
}

TEST(ParseYamlPartlyTest, KeepsWhatIsNotAtFault) {
  Sample sample;
  const absl::Status status = ParseYamlPartly(
      "name: a\n"
      "small: x\n"
      "tags: [b, [], c]\n"
      "children: [{name: d}, 3, {nam: e}]\n"
      "limits: {one: 1, two: x}\n",
      "test.yaml", &sample);
  EXPECT_EQ(GetFieldViolations(status).size(), 5u) << status;
  EXPECT_EQ(sample.name(), "a");
  EXPECT_EQ(sample.small(), 0);
  EXPECT_EQ(sample.tags_size(), 2);
  ASSERT_EQ(sample.children_size(), 3);
  EXPECT_EQ(sample.children(0).name(), "d");
  EXPECT_EQ(sample.limits_size(), 1);
}

TEST(ParseYamlPartlyTest, LeavesTheMessageAloneWhereNothingCanBeRead) {
  Sample sample;
  sample.set_name("kept");
  EXPECT_FALSE(ParseYamlPartly("name: [", "test.yaml", &sample).ok());
  EXPECT_EQ(sample.name(), "kept");
}

TEST(ReadYamlFileTest, NamesTheFile) {
  const ScopedTempDirectory dir;
  const std::string path = (dir.path() / "job.yaml").string();
  Sample sample;
  EXPECT_EQ(ReadYamlFile(path, &sample).code(), absl::StatusCode::kNotFound);
  ASSERT_TRUE(WriteFileDurably(path, "small: x").ok());
  EXPECT_THAT(std::string(ReadYamlFile(path, &sample).message()), HasSubstr(path));
}

}  // namespace
}  // namespace limbeck::config
