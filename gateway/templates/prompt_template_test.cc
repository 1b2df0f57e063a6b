#include "gateway/templates/prompt_template.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace limbeck::gateway {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::string Message(const absl::Status& status) { return std::string(status.message()); }

TEST(PromptTemplateTest, RendersSystemExamplesAndUserInOrder) {
  const auto prompt =
      PromptTemplate::Compile({.system = "Answer as a {{ role }}.",
                               .examples = {{"Definition: a dog", "animal {{ kept }}"}},
                               .user = "Definition: {{ text }}"});
  ASSERT_TRUE(prompt.ok()) << prompt.status();
  EXPECT_THAT(prompt->variables(), ElementsAre("role", "text"));
  const auto turns = prompt->Render(R"({"text":"a cat","role":"judge"})", 1);
  ASSERT_TRUE(turns.ok()) << turns.status();
  EXPECT_THAT(*turns, ElementsAre(ChatTurn{"system", "Answer as a judge."},
                                  ChatTurn{"user", "Definition: a dog"},
                                  ChatTurn{"assistant", "animal {{ kept }}"},
                                  ChatTurn{"user", "Definition: a cat"}));
}

TEST(PromptTemplateTest, TurnsStandBetweenExamplesAndUser) {
  const auto prompt = PromptTemplate::Compile(
      {.system = "s",
       .examples = {{"e", "a"}},
       .user = "{{ text }}?",
       .turns = {{"assistant", "What is it about {{ topic }}?"}, {"system", "Be brief."}}});
  ASSERT_TRUE(prompt.ok()) << prompt.status();
  EXPECT_THAT(prompt->variables(), ElementsAre("text", "topic"));
  const auto turns = prompt->Render(R"({"text":"x","topic":"y"})", 1, {{"user", "drawn"}});
  ASSERT_TRUE(turns.ok()) << turns.status();
  EXPECT_THAT(*turns, ElementsAre(ChatTurn{"system", "s"}, ChatTurn{"user", "e"},
                                  ChatTurn{"assistant", "a"}, ChatTurn{"user", "drawn"},
                                  ChatTurn{"assistant", "What is it about y?"},
                                  ChatTurn{"system", "Be brief."}, ChatTurn{"user", "x?"}));
}

TEST(PromptTemplateTest, ALastUserTurnReplacesTheUserPart) {
  const auto prompt = PromptTemplate::Compile({.turns = {{"user", "{{ text }}"}}});
  ASSERT_TRUE(prompt.ok()) << prompt.status();
  EXPECT_THAT(*prompt->Render(R"({"text":"x"})", 1), ElementsAre(ChatTurn{"user", "x"}));
  EXPECT_THAT(Message(PromptTemplate::Compile({.turns = {{"assistant", "x"}}}).status()),
              HasSubstr("asks the question"));
}

TEST(PromptTemplateTest, DrawnExamplesComeBehindLeadingSystemTurns) {
  const auto prompt = PromptTemplate::Compile({.turns = {{"system", "s"}, {"user", "u"}}});
  ASSERT_TRUE(prompt.ok()) << prompt.status();
  EXPECT_THAT(*prompt->Render("{}", 1, {{"user", "drawn"}, {"assistant", "a"}}),
              ElementsAre(ChatTurn{"system", "s"}, ChatTurn{"user", "drawn"},
                          ChatTurn{"assistant", "a"}, ChatTurn{"user", "u"}));
}

TEST(PromptTemplateTest, FaultsOfTurnsNameTheTurn) {
  EXPECT_THAT(Message(PromptTemplate::Compile(
                          {.turns = {{"tool", "x"}, {"user", "{{"}, {"user", "{{ text }}"}}})
                          .status()),
              AllOf(HasSubstr("turn 1 has the role 'tool'"), HasSubstr("turn 2: line 1")));
}

TEST(PromptTemplateTest, MissingColumnNamesRowPartAndColumn) {
  const auto prompt = PromptTemplate::Compile({.user = "{{ text }}"});
  ASSERT_TRUE(prompt.ok());
  EXPECT_EQ(Message(prompt->Render(R"({"other":1})", 5).status()),
            "row 5 has no column 'text' used by template part user");
}

TEST(PromptTemplateTest, OptionalColumnsMayBeAbsent) {
  const auto prompt = PromptTemplate::Compile(
      {.user = "{{ text }}{% if hint is defined %} ({{ hint }}){% endif %}"});
  ASSERT_TRUE(prompt.ok());
  EXPECT_EQ(prompt->Render(R"({"text":"a"})", 1)->at(0).content, "a");
  EXPECT_EQ(prompt->Render(R"({"text":"a","hint":"b"})", 1)->at(0).content, "a (b)");
}

TEST(PromptTemplateTest, OtherRenderingErrorsNameRowAndPart) {
  const auto prompt = PromptTemplate::Compile({.system = "{{ n + 1 }}", .user = "x"});
  ASSERT_TRUE(prompt.ok());
  EXPECT_THAT(Message(prompt->Render(R"({"n":"word"})", 9).status()),
              AllOf(HasSubstr("row 9"), HasSubstr("template part system"), HasSubstr("line 1")));
}

TEST(PromptTemplateTest, ReportsEveryBadPartAtOnce) {
  const auto prompt = PromptTemplate::Compile(
      {.system = "{% if %}", .examples = {{"{{", "a"}}, .user = "{{ text }}"});
  EXPECT_EQ(prompt.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(Message(prompt.status()), AllOf(HasSubstr("template part system: line 1"),
                                              HasSubstr("template part example 1 user: line 1")));
}

TEST(PromptTemplateTest, FixedPartsWithUnknownFiltersFailWhenCompiled) {
  EXPECT_THAT(Message(PromptTemplate::Compile({.user = "{{ 'a'|nothing }}"}).status()),
              HasSubstr("template part user"));
}

TEST(PromptTemplateTest, UserPartIsRequiredAndExamplesAreBounded) {
  EXPECT_EQ(PromptTemplate::Compile({.system = "a"}).status().code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(Message(PromptTemplate::Compile({.examples = {{"a", "b"}, {"c", "d"}}, .user = "e"},
                                              {.max_examples = 1})
                          .status()),
              HasSubstr("the limit is 1"));
}

TEST(PromptTemplateTest, SpentFuelNamesTheRow) {
  const auto prompt = PromptTemplate::Compile({.user = "{% for i in range(n) %}{% endfor %}"},
                                              {.jinja = {.fuel = 50}});
  ASSERT_TRUE(prompt.ok());
  const auto turns = prompt->Render(R"({"n":1000})", 3);
  EXPECT_EQ(turns.status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_THAT(Message(turns.status()), HasSubstr("row 3, template part user"));
}

}  // namespace
}  // namespace limbeck::gateway
