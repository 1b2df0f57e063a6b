#include "base/ffi/jinja.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <string>
#include <thread>
#include <vector>

namespace limbeck {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(JinjaTemplateTest, RendersValuesOfEveryFlatKind) {
  auto tmpl = JinjaTemplate::Compile("{{ text }}|{{ n }}|{% if yes %}y{% endif %}");
  ASSERT_TRUE(tmpl.ok()) << tmpl.status();
  EXPECT_EQ(*tmpl->Render(R"({"text":"<é>","n":1.5,"yes":true})"), "<é>|1.5|y");
}

TEST(JinjaTemplateTest, ListsUndeclaredVariablesSorted) {
  auto tmpl = JinjaTemplate::Compile("{{ b }}{% set c = 1 %}{{ c }}{{ a|upper }}");
  ASSERT_TRUE(tmpl.ok());
  EXPECT_THAT(tmpl->variables(), ElementsAre("a", "b"));
}

TEST(JinjaTemplateTest, UndefinedVariableIsAnError) {
  auto tmpl = JinjaTemplate::Compile("{{ text }}");
  ASSERT_TRUE(tmpl.ok());
  const auto rendered = tmpl->Render("{}");
  EXPECT_EQ(rendered.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(rendered.status().message()), HasSubstr("`text`"));
}

TEST(JinjaTemplateTest, SyntaxErrorNamesTheLine) {
  const auto tmpl = JinjaTemplate::Compile("a\n\n{{ b");
  EXPECT_EQ(tmpl.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(tmpl.status().message()), HasSubstr("line 3: syntax error"));
}

TEST(JinjaTemplateTest, InvalidUtf8IsAnErrorInSourceAndContext) {
  EXPECT_EQ(JinjaTemplate::Compile("a\xff").status().code(), absl::StatusCode::kInvalidArgument);
  auto tmpl = JinjaTemplate::Compile("a");
  ASSERT_TRUE(tmpl.ok());
  const auto rendered = tmpl->Render("{\"a\":\"\xff\"}");
  EXPECT_THAT(std::string(rendered.status().message()), HasSubstr("not valid UTF-8 at byte 6"));
}

TEST(JinjaTemplateTest, SpentFuelIsResourceExhausted) {
  auto tmpl = JinjaTemplate::Compile("{% for i in range(5000) %}{% endfor %}", {.fuel = 1'000});
  ASSERT_TRUE(tmpl.ok());
  EXPECT_EQ(tmpl->Render("{}").status().code(), absl::StatusCode::kResourceExhausted);
}

TEST(JinjaTemplateTest, OutputAndSourceAreCapped) {
  auto tmpl = JinjaTemplate::Compile("{{ 'ab' * 10 }}", {.max_output_bytes = 19});
  ASSERT_TRUE(tmpl.ok());
  EXPECT_EQ(tmpl->Render("{}").status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(JinjaTemplate::Compile("abc", {.max_source_bytes = 2}).status().code(),
            absl::StatusCode::kResourceExhausted);
}

// Largest memory this process has had, bytes.
size_t PeakMemory() {
  rusage usage = {};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<size_t>(usage.ru_maxrss) << 10;
}

TEST(JinjaTemplateTest, SixtyDoublingsTakeNoMemoryAndLeaveTheProcessAlive) {
  std::string source = "{% set x = text %}";
  for (int i = 0; i < 60; ++i) source += "{% set x = x ~ x %}";
  auto tmpl = JinjaTemplate::Compile(source + "{{ x|length }}");
  ASSERT_TRUE(tmpl.ok()) << tmpl.status();
  const size_t before = PeakMemory();
  const auto rendered = tmpl->Render(R"({"text":"ab"})");
  EXPECT_EQ(rendered.status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_THAT(std::string(rendered.status().message()), HasSubstr("of text and lists"));
  EXPECT_LT(PeakMemory() - before, 4 * JinjaLimits().max_memory_bytes);
  // The next rendering has its own allowance.
  EXPECT_TRUE(JinjaTemplate::Compile("{{ text ~ text }}")->Render(R"({"text":"ab"})").ok());
}

TEST(JinjaTemplateTest, AnUnusedAllowanceIsNoAdvantage) {
  auto tmpl = JinjaTemplate::Compile("{{ text ~ text }}", {.max_memory_bytes = 400});
  ASSERT_TRUE(tmpl.ok());
  EXPECT_TRUE(tmpl->Render(R"({"text":"12345"})").ok());
  EXPECT_EQ(tmpl->Render("{\"text\":\"" + std::string(50, 'x') + "\"}").status().code(),
            absl::StatusCode::kResourceExhausted);
  EXPECT_TRUE(tmpl->Render(R"({"text":"12345"})").ok());
}

TEST(JinjaTemplateTest, OneTemplateServesManyThreads) {
  auto tmpl = JinjaTemplate::Compile("{{ n }}");
  ASSERT_TRUE(tmpl.ok());
  std::vector<std::thread> threads;
  std::vector<std::string> results(4);
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 200; ++i) results[t] = *tmpl->Render("{\"n\":" + std::to_string(t) + "}");
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_THAT(results, ElementsAre("0", "1", "2", "3"));
}

}  // namespace
}  // namespace limbeck
