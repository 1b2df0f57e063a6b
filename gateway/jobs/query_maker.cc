#include "gateway/jobs/query_maker.h"

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "gateway/expansion/expansion.h"
#include "gateway/jobs/spec_defaults.h"
#include "gateway/noise/prompt_noise.h"
#include "gateway/templates/rows/row.h"

namespace limbeck::gateway {
namespace {

Role RoleOf(std::string_view role) {
  if (role == "system") return Role::kSystem;
  return role == "assistant" ? Role::kAssistant : Role::kUser;
}

}  // namespace

absl::StatusOr<QueryMaker> QueryMaker::Create(const v1::JobSpec& spec, const JobTeachers& teachers,
                                              const DatasetStore& datasets) {
  if (spec.teachers_size() != 1) return absl::InvalidArgumentError("a job needs one teacher");
  const auto teacher = teachers.find(spec.teachers(0).teacher());
  if (teacher == teachers.end()) {
    return absl::FailedPreconditionError(
        absl::StrCat("teacher \"", spec.teachers(0).teacher(), "\" is not configured any more"));
  }
  LIMBECK_ASSIGN_OR_RETURN(PromptPlan plan, PromptPlan::Create(spec, datasets));
  return QueryMaker(std::move(plan), &teacher->second, spec);
}

QueryMaker::QueryMaker(PromptPlan plan, const JobTeacher* teacher, const v1::JobSpec& spec)
    : plan_(std::move(plan)),
      teacher_(teacher),
      spec_(spec),
      noise_variants_(spec.noise().prompt().variants()),
      samples_(SamplesPerItem(spec)) {}

std::string QueryMaker::InputOf(const JobRow& row, uint32_t variant) const {
  if (SplitVariant(variant, noise_variants_).noise == 0) return row.input;
  const v1::PromptNoise& noise = spec_.noise().prompt();
  PromptNoiseSpec spec;
  spec.word_drop = noise.word_drop();
  spec.char_swap = noise.char_swap();
  spec.seed = noise.seed();
  return PerturbText(row.input, spec, {.row_hash = RowHash(row.row.id), .variant = variant});
}

absl::StatusOr<TeacherQuery> QueryMaker::QueryOf(const JobRow& row, uint32_t variant) const {
  const VariantParts parts = SplitVariant(variant, noise_variants_);
  const VariantChoice choice = plan_.ChoiceOf(row, parts.position);
  std::string columns = row.row.columns;
  if (parts.noise > 0) {
    LIMBECK_ASSIGN_OR_RETURN(
        columns, WithColumnText(columns, spec_.data().input_column(), InputOf(row, variant)));
  }
  LIMBECK_ASSIGN_OR_RETURN(const std::vector<ChatTurn> turns, plan_.Render(row, choice, columns));
  TeacherQuery query;
  for (const ChatTurn& turn : turns) query.messages.push_back({RoleOf(turn.role), turn.content});
  const v1::TeacherUse& use = spec_.teachers(0);
  query.sampling.temperature = choice.temperature.value_or(use.sampling().temperature());
  if (use.sampling().top_p() < 1.0) query.sampling.top_p = use.sampling().top_p();
  query.sampling.max_tokens = use.sampling().max_tokens();
  if (use.sampling().has_seed()) {
    query.sampling.seed = static_cast<int64_t>(use.sampling().seed() & INT64_MAX);
  }
  query.top_logprobs = use.top_logprobs();
  return query;
}

}  // namespace limbeck::gateway
