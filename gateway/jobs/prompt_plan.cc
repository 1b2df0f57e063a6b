#include "gateway/jobs/prompt_plan.h"

#include <map>
#include <nlohmann/json.hpp>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/hash.h"
#include "base/status.h"
#include "base/string_view.h"
#include "base/utf8.h"
#include "gateway/jobs/job_prompt.h"
#include "gateway/noise/prompt_noise.h"
#include "gateway/templates/rows/json_record.h"

namespace limbeck::gateway {
namespace {

using google::protobuf::ListValue;

// Of a pool row in a message.
constexpr size_t kMaxShownBytes = 200;

// Maps of protobuf have no order; ours is by name.
std::map<std::string, const ListValue*> Sorted(
    const google::protobuf::Map<std::string, ListValue>& lists) {
  std::map<std::string, const ListValue*> sorted;
  for (const auto& [name, list] : lists) sorted[name] = &list;
  return sorted;
}

bool TemplatesAreAnAxis(const v1::Expansion& expansion) {
  return expansion.templates_size() > 1 &&
         expansion.template_choice() != v1::Expansion::TEMPLATE_CHOICE_ONE;
}

std::vector<double> TemplateWeights(const v1::Expansion& expansion) {
  std::vector<double> weights;
  for (const v1::WeightedTemplate& one : expansion.templates()) weights.push_back(one.weight());
  return weights;
}

std::string ToJson(const google::protobuf::Value& value) {
  using google::protobuf::Value;
  if (value.kind_case() == Value::kStringValue) return nlohmann::json(value.string_value()).dump();
  if (value.kind_case() == Value::kBoolValue) return value.bool_value() ? "true" : "false";
  const double number = value.number_value();
  // YAML's 3 is a double by now; the teacher should not read "3.0".
  const auto whole = static_cast<int64_t>(number);
  constexpr double kExact = 9e15;
  if (number > -kExact && number < kExact && static_cast<double>(whole) == number) {
    return absl::StrCat(whole);
  }
  return nlohmann::json(number).dump();
}

}  // namespace

absl::StatusOr<VariantSpace> VariantSpaceOf(const v1::JobSpec& spec) {
  const v1::Expansion& expansion = spec.data().expansion();
  VariantSpaceSpec space;
  if (TemplatesAreAnAxis(expansion))
    space.axes.push_back({"templates", TemplateWeights(expansion)});
  for (const auto& [name, values] : Sorted(expansion.grid())) {
    VariantAxis axis{name, std::vector<double>(values->values_size(), 1.0)};
    const auto weights = expansion.weights().find(name);
    if (weights != expansion.weights().end()) {
      axis.weights.clear();
      for (const auto& weight : weights->second.values()) {
        axis.weights.push_back(weight.number_value());
      }
    }
    space.axes.push_back(std::move(axis));
  }
  if (spec.teachers_size() > 0 && spec.teachers(0).temperatures_size() > 0) {
    space.axes.push_back(
        {"temperatures", std::vector<double>(spec.teachers(0).temperatures_size(), 1.0)});
  }
  space.draws = expansion.draws();
  space.seed = expansion.seed();
  return VariantSpace::Create(space);
}

absl::StatusOr<PromptPlan> PromptPlan::Create(const v1::JobSpec& spec,
                                              const DatasetStore& datasets) {
  LIMBECK_ASSIGN_OR_RETURN(VariantSpace space, VariantSpaceOf(spec));
  PromptPlan plan(std::move(space));
  LIMBECK_RETURN_IF_ERROR(plan.Compile(spec));
  if (spec.data().expansion().has_few_shot()) {
    LIMBECK_ASSIGN_OR_RETURN(plan.pool_, FewShotPool::Load(datasets, spec));
  }
  return plan;
}

absl::Status PromptPlan::Compile(const v1::JobSpec& spec) {
  const v1::Expansion& expansion = spec.data().expansion();
  seed_ = expansion.seed();
  for (const NamedPrompt& named : PromptsOf(spec.data())) {
    LIMBECK_ASSIGN_OR_RETURN(PromptTemplate prompt, CompilePrompt(*named.prompt));
    prompts_.push_back(std::move(prompt));
  }
  if (prompts_.size() > 1 && !TemplatesAreAnAxis(expansion)) {
    prompt_weights_ = TemplateWeights(expansion);
  }
  for (const auto& [name, values] : Sorted(expansion.grid())) {
    GridVariable variable{name, {}};
    for (const auto& value : values->values()) variable.values.push_back(ToJson(value));
    grid_.push_back(std::move(variable));
  }
  for (const auto& [name, fragments] : Sorted(expansion.paraphrases())) {
    Paraphrase paraphrase{name, {}};
    for (const auto& fragment : fragments->values()) {
      LIMBECK_ASSIGN_OR_RETURN(JinjaTemplate jinja,
                               JinjaTemplate::Compile(fragment.string_value()));
      paraphrase.fragments.push_back(std::move(jinja));
    }
    paraphrases_.push_back(std::move(paraphrase));
  }
  if (spec.teachers_size() > 0) {
    const auto& temperatures = spec.teachers(0).temperatures();
    temperatures_.assign(temperatures.begin(), temperatures.end());
  }
  if (!expansion.has_few_shot()) return absl::OkStatus();
  shots_ = expansion.few_shot().count();
  LIMBECK_ASSIGN_OR_RETURN(shot_user_, JinjaTemplate::Compile(expansion.few_shot().user()));
  LIMBECK_ASSIGN_OR_RETURN(shot_assistant_,
                           JinjaTemplate::Compile(expansion.few_shot().assistant()));
  return absl::OkStatus();
}

VariantChoice PromptPlan::ChoiceOf(const JobRow& row, uint32_t position) const {
  const uint64_t row_hash = RowHash(row.row.id);
  VariantChoice choice;
  choice.key = DrawKey(row_hash, position);
  std::vector<uint32_t> axes = space_.ChoicesOf(space_.CellOf(row_hash, position));
  auto next = axes.begin();
  if (!prompt_weights_.empty()) {
    // The row's own, whatever the position.
    choice.prompt = PickByWeight(prompt_weights_, StableRandom(seed_, ~row_hash).Uniform());
  } else if (prompts_.size() > 1) {
    choice.prompt = *next++;
  }
  choice.values.assign(next, next + static_cast<std::ptrdiff_t>(grid_.size()));
  next += static_cast<std::ptrdiff_t>(grid_.size());
  if (!temperatures_.empty()) choice.temperature = temperatures_[*next];
  return choice;
}

void PromptPlan::AddGrid(const VariantChoice& choice, nlohmann::json* columns) const {
  for (size_t i = 0; i < grid_.size(); ++i) {
    // Written by ToJson, so it always parses.
    (*columns)[grid_[i].name] =
        nlohmann::json::parse(grid_[i].values[choice.values[i]], nullptr, false);
  }
}

absl::Status PromptPlan::AddVariables(const JobRow& row, const VariantChoice& choice,
                                      nlohmann::json* columns) const {
  AddGrid(choice, columns);
  const std::string context = columns->dump();
  for (const Paraphrase& paraphrase : paraphrases_) {
    const uint64_t seed = Xxh3(paraphrase.name, seed_);
    const uint64_t pick = StableRandom(seed, choice.key).Below(paraphrase.fragments.size());
    auto text = paraphrase.fragments[pick].Render(context);
    if (!text.ok()) {
      return Annotate(text.status(), absl::StrCat("row ", row.number, ", paraphrase ", pick + 1,
                                                  " of ", paraphrase.name));
    }
    (*columns)[paraphrase.name] = *std::move(text);
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<ChatTurn>> PromptPlan::Examples(const JobRow& row,
                                                           const VariantChoice& choice) const {
  std::vector<ChatTurn> turns;
  if (!pool_.has_value()) return turns;
  for (const PoolRow* drawn : pool_->Draw(choice.key, shots_, row.text_hash)) {
    LIMBECK_ASSIGN_OR_RETURN(nlohmann::json columns, ParseJsonRecord(drawn->columns));
    AddGrid(choice, &columns);
    const std::string context = columns.dump();
    for (const auto& [role, jinja] :
         {std::pair("user", &*shot_user_), std::pair("assistant", &*shot_assistant_)}) {
      auto text = jinja->Render(context);
      if (!text.ok()) {
        return Annotate(text.status(),
                        absl::StrCat("row ", row.number, ", few_shot ", role, " part for pool row ",
                                     ToAbsl(TruncateUtf8(drawn->columns, kMaxShownBytes))));
      }
      turns.push_back({role, *std::move(text)});
    }
  }
  return turns;
}

absl::StatusOr<std::vector<ChatTurn>> PromptPlan::Render(const JobRow& row,
                                                         const VariantChoice& choice,
                                                         std::string_view columns) const {
  const PromptTemplate& prompt = prompts_[choice.prompt];
  LIMBECK_ASSIGN_OR_RETURN(const std::vector<ChatTurn> examples, Examples(row, choice));
  if (grid_.empty() && paraphrases_.empty()) return prompt.Render(columns, row.number, examples);
  LIMBECK_ASSIGN_OR_RETURN(nlohmann::json variables, ParseJsonRecord(columns));
  LIMBECK_RETURN_IF_ERROR(AddVariables(row, choice, &variables));
  return prompt.Render(variables.dump(), row.number, examples);
}

}  // namespace limbeck::gateway
