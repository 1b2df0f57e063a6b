#include "gateway/jobs/query_maker.h"

#include <limits>

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "cache/records/label_json.h"
#include "gateway/jobs/job_noise.h"
#include "gateway/jobs/spec_defaults.h"
#include "gateway/templates/rows/row.h"

namespace limbeck::gateway {
namespace {

Role RoleOf(std::string_view role) {
  if (role == "system") return Role::kSystem;
  return role == "assistant" ? Role::kAssistant : Role::kUser;
}

std::string SchemaOf(const v1::ClassifyTask& task) {
  std::vector<std::string> names;
  for (const v1::Label& label : task.labels()) names.push_back(label.name());
  if (task.label_method() == v1::ClassifyTask::LABEL_METHOD_VERBALISED) {
    return cache::ConfidenceSchema(names);
  }
  if (task.label_method() == v1::ClassifyTask::LABEL_METHOD_SCHEMA) {
    return cache::ChoiceSchema(names);
  }
  return "";
}

std::vector<std::string> ChoicesOf(const v1::ClassifyTask& task) {
  const bool held =
      task.label_method() == v1::ClassifyTask::LABEL_METHOD_VOTES && task.hold_votes_to_labels();
  return held ? LabelSpellings(task) : std::vector<std::string>();
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
  LIMBECK_ASSIGN_OR_RETURN(PromptNoiseSpec noise, CompilePromptNoise(spec.noise().prompt()));
  return QueryMaker(std::move(plan), &teacher->second, spec, std::move(noise));
}

QueryMaker::QueryMaker(PromptPlan plan, const JobTeacher* teacher, const v1::JobSpec& spec,
                       PromptNoiseSpec noise)
    : plan_(std::move(plan)),
      teacher_(teacher),
      spec_(spec),
      noise_(std::move(noise)),
      noise_variants_(spec.noise().prompt().variants()),
      samples_(SamplesPerItem(spec)),
      first_samples_(FirstSamplesPerItem(spec)),
      scored_(spec.task().classify().label_method() == v1::ClassifyTask::LABEL_METHOD_SCORED),
      schema_(SchemaOf(spec.task().classify())),
      choices_(ChoicesOf(spec.task().classify())) {}

ExpansionSpec QueryMaker::ExpansionOf(uint64_t rows) const {
  ExpansionSpec spec;
  spec.rows = rows;
  spec.positions = plan_.positions();
  spec.noise_variants = noise_variants_;
  spec.samples = samples_;
  // What a job may ask was checked at its submission; a file that is read twice has more indices.
  spec.max_queries = std::numeric_limits<uint64_t>::max();
  return spec;
}

std::string QueryMaker::InputOf(const JobRow& row, uint32_t variant) const {
  if (SplitVariant(variant, noise_variants_).noise == 0) return row.input;
  return PerturbText(row.input, noise_, {.row_hash = RowHash(row.row.id), .variant = variant});
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
  query.response_schema = schema_;
  query.choices = choices_;
  SetSample(0, &query);
  return query;
}

void QueryMaker::SetSample(uint32_t sample, TeacherQuery* query) const {
  if (scored_) {
    query->continuation = spec_.task().classify().labels(static_cast<int>(sample)).name();
  } else {
    query->sample_index = sample;
  }
}

}  // namespace limbeck::gateway
