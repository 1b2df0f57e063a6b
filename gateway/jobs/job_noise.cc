#include "gateway/jobs/job_noise.h"

#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "base/string_view.h"

namespace limbeck::gateway {
namespace {

constexpr uint32_t kMaxNoiseVariants = 16;
constexpr uint32_t kMaxTopK = 1000;

Keyboard ToKeyboard(v1::PromptNoise::Keyboard keyboard) {
  if (keyboard == v1::PromptNoise::KEYBOARD_QWERTZ) return Keyboard::kQwertz;
  if (keyboard == v1::PromptNoise::KEYBOARD_AZERTY) return Keyboard::kAzerty;
  return Keyboard::kQwerty;
}

// All but the synonyms.
PromptNoiseSpec ToSpec(const v1::PromptNoise& noise) {
  PromptNoiseSpec spec;
  spec.word_drop = noise.word_drop();
  spec.char_swap = noise.char_swap();
  spec.seed = noise.seed();
  spec.word_swap = noise.word_swap();
  spec.casing = noise.casing();
  spec.synonym = noise.synonym();
  spec.char_typo = noise.char_typo();
  spec.char_drop = noise.char_drop();
  spec.char_duplicate = noise.char_duplicate();
  spec.punctuation_drop = noise.punctuation_drop();
  spec.punctuation_insert = noise.punctuation_insert();
  spec.keyboard = ToKeyboard(noise.keyboard());
  return spec;
}

void CheckPromptNoise(const v1::PromptNoise& noise, FaultList* faults) {
  const std::string at = "noise.prompt.";
  faults->Range(at + "variants", noise.variants(), 0U, kMaxNoiseVariants);
  const std::pair<const char*, double> probabilities[] = {
      {"word_drop", noise.word_drop()},
      {"char_swap", noise.char_swap()},
      {"word_swap", noise.word_swap()},
      {"casing", noise.casing()},
      {"synonym", noise.synonym()},
      {"char_typo", noise.char_typo()},
      {"char_drop", noise.char_drop()},
      {"char_duplicate", noise.char_duplicate()},
      {"punctuation_drop", noise.punctuation_drop()},
      {"punctuation_insert", noise.punctuation_insert()}};
  for (const auto& [name, value] : probabilities) {
    faults->Range(at + name, value, 0.0, kMaxPromptNoise);
  }
  if (noise.variants() > 0 && !ToSpec(noise).enabled()) {
    faults->Add(at + "variants",
                absl::StrCat("asks for ", noise.variants(),
                             " noisy variants, but every probability (word_drop, char_swap, …) is "
                             "0, so they would equal the clean row; set one of them"));
  }
  const auto synonyms = SynonymTable::Parse(noise.synonyms());
  if (!synonyms.ok()) {
    faults->Add(at + "synonyms", std::string(ToStd(synonyms.status().message())));
  } else if (noise.synonyms().empty() && !noise.synonyms_path().empty()) {
    faults->Add(at + "synonyms", absl::StrCat("is missing; put the text of ", noise.synonyms_path(),
                                              " here, the service reads no files of its callers"));
  } else if (noise.synonym() > 0 && synonyms->empty()) {
    faults->Add(at + "synonyms", "is missing, but synonym is above 0; give a table or a path");
  }
}

}  // namespace

absl::StatusOr<PromptNoiseSpec> CompilePromptNoise(const v1::PromptNoise& noise) {
  PromptNoiseSpec spec = ToSpec(noise);
  auto synonyms = SynonymTable::Parse(noise.synonyms());
  if (!synonyms.ok()) return Annotate(synonyms.status(), "noise.prompt.synonyms");
  spec.synonyms = std::make_shared<const SynonymTable>(*std::move(synonyms));
  const absl::Status valid = ValidatePromptNoise(spec);
  if (!valid.ok()) return Annotate(valid, "noise.prompt");
  return spec;
}

void CheckNoise(const v1::NoiseSpec& noise, FaultList* faults) {
  CheckPromptNoise(noise.prompt(), faults);
  const v1::OutputNoise& output = noise.output();
  faults->Range("noise.output.temperature_jitter", output.temperature_jitter(), 0.0, 2.0);
  // Below 0.01 its draws are zeros and ones.
  if (output.dirichlet_concentration() != 0) {
    faults->Range("noise.output.dirichlet_concentration", output.dirichlet_concentration(), 0.01,
                  1e9);
  }
  faults->Range("noise.output.logit_noise", output.logit_noise(), 0.0, 5.0);
  faults->Range("noise.output.top_k", output.top_k(), 0U, kMaxTopK);
  faults->Range("noise.output.label_smoothing", output.label_smoothing(), 0.0, 0.5);
}

}  // namespace limbeck::gateway
