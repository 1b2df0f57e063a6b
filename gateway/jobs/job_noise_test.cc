#include "gateway/jobs/job_noise.h"

#include <gtest/gtest.h>

#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "absl/strings/str_join.h"

namespace limbeck::gateway {
namespace {

std::string Fields(const v1::NoiseSpec& noise) {
  FaultList faults;
  CheckNoise(noise, &faults);
  std::vector<std::string> fields;
  for (const Fault& fault : faults.Take()) fields.push_back(fault.field);
  return absl::StrJoin(fields, " ");
}

TEST(JobNoiseTest, EveryFieldReachesThePerturbation) {
  v1::PromptNoise noise;
  noise.set_seed(3);
  noise.set_word_drop(0.01);
  noise.set_char_swap(0.02);
  noise.set_word_swap(0.03);
  noise.set_casing(0.04);
  noise.set_synonym(0.05);
  noise.set_char_typo(0.06);
  noise.set_char_drop(0.07);
  noise.set_char_duplicate(0.08);
  noise.set_punctuation_drop(0.09);
  noise.set_punctuation_insert(0.10);
  noise.set_keyboard(v1::PromptNoise::KEYBOARD_AZERTY);
  noise.set_synonyms("big\tlarge\n");
  const auto spec = CompilePromptNoise(noise);
  ASSERT_TRUE(spec.ok()) << spec.status();
  EXPECT_EQ(spec->seed, 3u);
  EXPECT_EQ(spec->word_drop, 0.01);
  EXPECT_EQ(spec->char_swap, 0.02);
  EXPECT_EQ(spec->word_swap, 0.03);
  EXPECT_EQ(spec->casing, 0.04);
  EXPECT_EQ(spec->synonym, 0.05);
  EXPECT_EQ(spec->char_typo, 0.06);
  EXPECT_EQ(spec->char_drop, 0.07);
  EXPECT_EQ(spec->char_duplicate, 0.08);
  EXPECT_EQ(spec->punctuation_drop, 0.09);
  EXPECT_EQ(spec->punctuation_insert, 0.10);
  EXPECT_EQ(spec->keyboard, Keyboard::kAzerty);
  ASSERT_NE(spec->synonyms->Find("big"), nullptr);
}

TEST(JobNoiseTest, WithoutNoiseNothingIsWrong) { EXPECT_EQ(Fields({}), ""); }

TEST(JobNoiseTest, EachFaultNamesItsField) {
  const std::pair<const char*, std::function<void(v1::NoiseSpec*)>> cases[] = {
      {"noise.prompt.variants", [](auto* n) { n->mutable_prompt()->set_variants(1); }},
      {"noise.prompt.casing", [](auto* n) { n->mutable_prompt()->set_casing(0.6); }},
      {"noise.prompt.char_typo",
       [](auto* n) {
         n->mutable_prompt()->set_char_typo(std::numeric_limits<double>::quiet_NaN());
       }},
      {"noise.prompt.synonyms", [](auto* n) { n->mutable_prompt()->set_synonym(0.1); }},
      {"noise.prompt.synonyms", [](auto* n) { n->mutable_prompt()->set_synonyms("big large"); }},
      {"noise.prompt.synonyms", [](auto* n) { n->mutable_prompt()->set_synonyms_path("a.tsv"); }},
      {"noise.output.logit_noise", [](auto* n) { n->mutable_output()->set_logit_noise(-1); }},
      {"noise.output.label_smoothing",
       [](auto* n) { n->mutable_output()->set_label_smoothing(0.6); }},
      {"noise.output.top_k", [](auto* n) { n->mutable_output()->set_top_k(1001); }},
      {"noise.output.dirichlet_concentration",
       [](auto* n) { n->mutable_output()->set_dirichlet_concentration(0.001); }},
  };
  for (const auto& [field, spoil] : cases) {
    v1::NoiseSpec noise;
    spoil(&noise);
    EXPECT_EQ(Fields(noise), field);
  }
}

}  // namespace
}  // namespace limbeck::gateway
