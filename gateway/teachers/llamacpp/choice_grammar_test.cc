#include "gateway/teachers/llamacpp/choice_grammar.h"

#include <gtest/gtest.h>

namespace limbeck::gateway {
namespace {

TEST(ChoiceGrammarTest, IsOneRuleOfLiterals) {
  EXPECT_EQ(ChoiceGrammar({"yes", " no"}), "root ::= \"yes\" | \" no\"");
  EXPECT_EQ(ChoiceGrammar({"caf\xc3\xa9"}), "root ::= \"caf\xc3\xa9\"");
}

TEST(ChoiceGrammarTest, WhatWouldEndALiteralIsEscaped) {
  EXPECT_EQ(ChoiceGrammar({"a\"b\\c\nd\x7f"}), "root ::= \"a\\\"b\\\\c\\x0Ad\\x7F\"");
}

}  // namespace
}  // namespace limbeck::gateway
