#include "gateway/teachers/believed_usage.h"

#include <gtest/gtest.h>

namespace limbeck::gateway {
namespace {

cache::SoftOutput Said(const std::string& text, const cache::Usage& usage) {
  cache::SoftOutput output;
  output.text = text;
  output.usage = usage;
  return output;
}

TEST(BelievedUsageTest, WhatMayBeTrueStays) {
  const auto usage = BelievedUsage(Said("yes", {.input_tokens = 9, .output_tokens = 4'000}), true);
  EXPECT_EQ(usage.input_tokens, 9u);
  EXPECT_EQ(usage.output_tokens, 4'000u);
  // A filter took the answer, or a given text was scored.
  EXPECT_EQ(BelievedUsage(Said("", {.input_tokens = 9}), true).input_tokens, 9u);
  EXPECT_EQ(BelievedUsage(Said("yes", {.input_tokens = 9}), false).input_tokens, 9u);
}

TEST(BelievedUsageTest, NoCallUsesABillionTokens) {
  for (const cache::Usage& usage :
       {cache::Usage{.input_tokens = 9, .output_tokens = kMostTokensPerCall + 1},
        cache::Usage{.input_tokens = UINT64_MAX, .output_tokens = 1},
        cache::Usage{.input_tokens = 9, .output_tokens = 1, .reasoning_tokens = UINT64_MAX}}) {
    EXPECT_EQ(BelievedUsage(Said("yes", usage), true).input_tokens, 0u);
  }
}

TEST(BelievedUsageTest, AnAnswerThatSaysSomethingHasOutput) {
  const auto usage = BelievedUsage(Said("yes", {.input_tokens = 9}), true);
  EXPECT_EQ(usage.input_tokens, 0u);
}

}  // namespace
}  // namespace limbeck::gateway
