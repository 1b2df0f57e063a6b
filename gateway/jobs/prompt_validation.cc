#include "gateway/jobs/prompt_validation.h"

#include <algorithm>
#include <set>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/ffi/jinja.h"
#include "base/string_view.h"
#include "gateway/jobs/job_prompt.h"

namespace limbeck::gateway {
namespace {

// What templates may read beside columns.
std::set<std::string> ExpansionVariables(const v1::Expansion& expansion, bool paraphrases) {
  std::set<std::string> names;
  for (const auto& [name, values] : expansion.grid()) names.insert(name);
  if (!paraphrases) return names;
  for (const auto& [name, values] : expansion.paraphrases()) names.insert(name);
  return names;
}

struct Readable {
  std::vector<std::pair<const char*, const v1::Dataset*>> datasets;  // Those that are there.
  std::set<std::string> variables;
};

// One part: whether it compiles, and what it reads that nobody gives.
void CheckPart(const std::string& field, const std::string& source, const Readable& readable,
               FaultList* faults) {
  const absl::StatusOr<JinjaTemplate> compiled = JinjaTemplate::Compile(source);
  if (!compiled.ok()) {
    faults->Add(field, std::string(ToStd(compiled.status().message())));
    return;
  }
  // A part that reads nothing can be tried: spent limits, unknown filters.
  if (compiled->variables().empty()) {
    const absl::StatusOr<std::string> rendered = compiled->Render("{}");
    if (!rendered.ok()) faults->Add(field, std::string(ToStd(rendered.status().message())));
  }
  for (const std::string& variable : compiled->variables()) {
    if (readable.variables.contains(variable)) continue;
    for (const auto& [name, dataset] : readable.datasets) {
      if (HasColumn(*dataset, variable)) continue;
      const std::string given =
          readable.variables.empty()
              ? ""
              : absl::StrCat("; the expansion gives ", absl::StrJoin(readable.variables, ", "));
      faults->Add(field, absl::StrCat("reads column \"", variable, "\", which the ", name,
                                      " dataset lacks; it has ",
                                      absl::StrJoin(dataset->columns(), ", "), given));
    }
  }
}

Readable RowsAnd(const SpecContext& context, std::set<std::string> variables) {
  Readable readable;
  readable.variables = std::move(variables);
  if (context.train != nullptr) readable.datasets.emplace_back("train", context.train);
  if (context.held_out != nullptr) readable.datasets.emplace_back("held-out", context.held_out);
  return readable;
}

void CheckTurns(const NamedPrompt& named, const Readable& readable, FaultList* faults) {
  const auto& turns = named.prompt->turns();
  for (int i = 0; i < turns.size(); ++i) {
    const std::string at = absl::StrCat(named.field, ".turns[", i, "]");
    const std::string& role = turns[i].role();
    if (role != "system" && role != "user" && role != "assistant") {
      faults->Add(at + ".role",
                  absl::StrCat("is \"", role, "\"; expected system, user or assistant"));
    }
    CheckPart(at + ".content", turns[i].content(), readable, faults);
  }
  faults->Range(named.field + ".turns", static_cast<size_t>(turns.size()), size_t{0},
                PromptTemplateLimits().max_turns);
}

void CheckOnePrompt(const NamedPrompt& named, const Readable& readable, FaultList* faults) {
  const v1::PromptTemplate& prompt = *named.prompt;
  CheckPart(named.field + ".system", prompt.system(), readable, faults);
  for (int i = 0; i < prompt.examples_size(); ++i) {
    CheckPart(absl::StrCat(named.field, ".examples[", i, "].user"), prompt.examples(i).user(),
              readable, faults);
  }
  CheckTurns(named, readable, faults);
  faults->Range(named.field + ".examples", static_cast<size_t>(prompt.examples_size()), size_t{0},
                PromptTemplateLimits().max_examples);
  const bool asks = prompt.turns_size() > 0 && prompt.turns().rbegin()->role() == "user";
  if (prompt.user().empty() && !asks) {
    faults->Add(named.field + ".user", "is missing; expected the template of the question");
    return;
  }
  CheckPart(named.field + ".user", prompt.user(), readable, faults);
}

void CheckFragments(const v1::Expansion& expansion, const SpecContext& context, FaultList* faults) {
  const Readable readable = RowsAnd(context, ExpansionVariables(expansion, false));
  for (const auto& [name, fragments] : expansion.paraphrases()) {
    for (int i = 0; i < fragments.values_size(); ++i) {
      CheckPart(absl::StrCat("data.expansion.paraphrases[\"", name, "\"][", i, "]"),
                fragments.values(i).string_value(), readable, faults);
    }
  }
}

void CheckFewShotParts(const v1::Expansion& expansion, const SpecContext& context,
                       FaultList* faults) {
  if (!expansion.has_few_shot()) return;
  const v1::FewShot& few_shot = expansion.few_shot();
  Readable readable;
  readable.variables = ExpansionVariables(expansion, false);
  const v1::Dataset* pool = few_shot.has_pool() ? context.pool : context.train;
  if (pool != nullptr) {
    readable.datasets.emplace_back(few_shot.has_pool() ? "pool" : "train", pool);
  }
  if (few_shot.user().empty()) {
    faults->Add("data.expansion.few_shot.user", "is missing; expected the template of an example");
  } else {
    CheckPart("data.expansion.few_shot.user", few_shot.user(), readable, faults);
  }
  CheckPart("data.expansion.few_shot.assistant", few_shot.assistant(), readable, faults);
}

}  // namespace

bool HasColumn(const v1::Dataset& dataset, std::string_view name) {
  return std::find(dataset.columns().begin(), dataset.columns().end(), name) !=
         dataset.columns().end();
}

void CheckPrompts(const v1::JobSpec& spec, const SpecContext& context, FaultList* faults) {
  const v1::Expansion& expansion = spec.data().expansion();
  const Readable readable = RowsAnd(context, ExpansionVariables(expansion, true));
  for (const NamedPrompt& named : PromptsOf(spec.data())) CheckOnePrompt(named, readable, faults);
  CheckFragments(expansion, context, faults);
  CheckFewShotParts(expansion, context, faults);
}

}  // namespace limbeck::gateway
