#include "gateway/jobs/spec_defaults.h"

#include <algorithm>
#include <set>

#include "absl/strings/str_cat.h"

namespace limbeck::gateway {
namespace {

constexpr uint32_t kDefaultTopLogprobs = 20;
constexpr uint32_t kDefaultVotes = 8;
constexpr uint32_t kDefaultVoteTokens = 16;
// JSON around an answer, and a name and number in it.
constexpr uint32_t kDefaultSchemaTokens = 64;
constexpr uint32_t kDefaultTokensPerNumber = 16;
// Lists of answers are compiled by the server, which long ones take long for, or are refused.
constexpr size_t kMaxHeldSpellings = 100;
constexpr uint32_t kDefaultSmokeRows = 16;
constexpr uint32_t kDefaultSmokeUsable = 15;

void FillExpansion(const std::string& label_column, v1::Expansion* expansion) {
  if (expansion->seed() == 0) expansion->set_seed(1);
  if (expansion->template_choice() == v1::Expansion::TEMPLATE_CHOICE_UNSPECIFIED) {
    expansion->set_template_choice(v1::Expansion::TEMPLATE_CHOICE_ALL);
  }
  for (v1::WeightedTemplate& one : *expansion->mutable_templates()) {
    if (!one.has_weight()) one.set_weight(1.0);
  }
  if (!expansion->has_few_shot()) return;
  v1::FewShot* few_shot = expansion->mutable_few_shot();
  if (few_shot->seed() == 0) few_shot->set_seed(1);
  if (few_shot->assistant().empty()) {
    few_shot->set_assistant(absl::StrCat("{{ ", label_column, " }}"));
  }
}

void FillData(v1::DataSpec* data) {
  if (data->input_column().empty()) data->set_input_column("text");
  if (data->label_column().empty()) data->set_label_column("label");
  const bool own_held_out = data->has_held_out();
  if (!own_held_out && data->held_out_share() == 0) data->set_held_out_share(0.2);
  // Jobs without an expansion keep the bytes they had before there was one.
  if (data->has_expansion()) FillExpansion(data->label_column(), data->mutable_expansion());
}

bool GivesTopLogprobs(const TeacherCatalog& teachers, const v1::TeacherUse& use) {
  const auto it = teachers.find(use.teacher());
  return it != teachers.end() && it->second.gives_top_logprobs;
}

bool NeedsTemperatureOne(const TeacherCatalog& teachers, const v1::TeacherUse& use) {
  const auto it = teachers.find(use.teacher());
  return it != teachers.end() && it->second.logprobs_after_temperature;
}

// Absent where it is false, as in specs from before there was a choice.
void FillVotesHeld(const TeacherCatalog& teachers, const v1::TeacherUse& use,
                   v1::ClassifyTask* task) {
  if (task->label_method() != v1::ClassifyTask::LABEL_METHOD_VOTES ||
      task->has_hold_votes_to_labels()) {
    return;
  }
  const auto it = teachers.find(use.teacher());
  if (it == teachers.end() || !it->second.holds_to_choices) return;
  if (LabelSpellings(*task).size() <= kMaxHeldSpellings) task->set_hold_votes_to_labels(true);
}

void FillMethodOfLabels(const TeacherCatalog& teachers, const v1::JobSpec& spec,
                        v1::ClassifyTask* task) {
  if (task->label_method() != v1::ClassifyTask::LABEL_METHOD_UNSPECIFIED &&
      task->label_method() != v1::ClassifyTask::LABEL_METHOD_AUTO) {
    return;
  }
  const bool top_k = spec.teachers_size() > 0 && GivesTopLogprobs(teachers, spec.teachers(0));
  task->set_label_method(top_k ? v1::ClassifyTask::LABEL_METHOD_FIRST_TOKEN
                               : v1::ClassifyTask::LABEL_METHOD_VOTES);
}

void FillTask(const TeacherCatalog& teachers, v1::JobSpec* spec) {
  if (!spec->task().has_classify()) return;
  v1::ClassifyTask* task = spec->mutable_task()->mutable_classify();
  if (!task->has_min_label_mass()) task->set_min_label_mass(0.05);
  task->clear_calibration();
  FillMethodOfLabels(teachers, *spec, task);
  if (spec->teachers_size() > 0) FillVotesHeld(teachers, spec->teachers(0), task);
}

void FillVoting(v1::Voting* voting) {
  if (voting->min_votes() == 0) voting->set_min_votes(4);
  if (voting->max_votes() == 0) voting->set_max_votes(std::max(32U, voting->min_votes()));
  if (voting->half_width() == 0) voting->set_half_width(0.1);
  if (voting->confidence() == 0) voting->set_confidence(0.95);
}

uint32_t DefaultTokens(const v1::ClassifyTask& task) {
  switch (task.label_method()) {
    case v1::ClassifyTask::LABEL_METHOD_VOTES:
      return kDefaultVoteTokens;
    case v1::ClassifyTask::LABEL_METHOD_SCHEMA:
      return kDefaultSchemaTokens;
    case v1::ClassifyTask::LABEL_METHOD_VERBALISED:
      return kDefaultSchemaTokens +
             kDefaultTokensPerNumber * static_cast<uint32_t>(task.labels_size());
    default:
      return 1;
  }
}

// The task's method is known.
void FillTeacher(const TeacherCatalog& teachers, const v1::JobSpec& spec, v1::TeacherUse* use) {
  const v1::ClassifyTask& task = spec.task().classify();
  const bool top_k = task.label_method() == v1::ClassifyTask::LABEL_METHOD_FIRST_TOKEN &&
                     GivesTopLogprobs(teachers, *use);
  if (!top_k) use->set_top_logprobs(0);
  if (top_k && use->top_logprobs() == 0) {
    const uint32_t most = teachers.find(use->teacher())->second.max_top_logprobs;
    use->set_top_logprobs(most == 0 ? kDefaultTopLogprobs : std::min(most, kDefaultTopLogprobs));
  }
  if (use->votes() == 0) use->set_votes(kDefaultVotes);
  if (use->has_voting()) FillVoting(use->mutable_voting());
  v1::Sampling* sampling = use->mutable_sampling();
  if (!sampling->has_temperature()) {
    sampling->set_temperature(
        CountsVotes(spec) || (top_k && NeedsTemperatureOne(teachers, *use)) ? 1.0 : 0.0);
  }
  if (!sampling->has_top_p()) sampling->set_top_p(1.0);
  if (sampling->max_tokens() == 0) sampling->set_max_tokens(DefaultTokens(task));
}

void FillStudent(v1::StudentSpec* student) {
  if (student->kind_case() == v1::StudentSpec::KIND_NOT_SET) student->mutable_ngram();
  if (student->has_ngram()) {
    v1::NgramStudent* ngram = student->mutable_ngram();
    if (ngram->hash_bits() == 0) ngram->set_hash_bits(18);
    if (ngram->max_word_ngram() == 0) ngram->set_max_word_ngram(2);
    if (ngram->min_char_ngram() == 0) ngram->set_min_char_ngram(3);
    if (!ngram->has_max_char_ngram()) {
      ngram->set_max_char_ngram(std::max<uint32_t>(5, ngram->min_char_ngram()));
    }
    return;
  }
  v1::EncoderStudent* encoder = student->mutable_encoder();
  if (encoder->width() == 0) encoder->set_width(128);
  if (encoder->layers() == 0) encoder->set_layers(2);
  if (encoder->heads() == 0) encoder->set_heads(4);
  if (encoder->max_tokens() == 0) encoder->set_max_tokens(64);
  if (encoder->vocabulary_bits() == 0) encoder->set_vocabulary_bits(15);
  if (!encoder->has_dropout()) encoder->set_dropout(0.1);
}

void FillSchedule(double start, double end, v1::Schedule* schedule) {
  schedule->set_start(start);
  schedule->set_end(end);
}

void FillShape(v1::Schedule* schedule) {
  if (schedule->shape() == v1::Schedule::SHAPE_UNSPECIFIED) {
    schedule->set_shape(v1::Schedule::SHAPE_LINEAR);
  }
  if (schedule->shape() == v1::Schedule::SHAPE_CONSTANT) schedule->set_end(schedule->start());
}

void FillMethod(bool encoder, v1::Method* method) {
  if (!method->has_temperature()) FillSchedule(5, 1, method->mutable_temperature());
  if (!method->has_hard_weight()) FillSchedule(0.7, 0.3, method->mutable_hard_weight());
  FillShape(method->mutable_temperature());
  FillShape(method->mutable_hard_weight());
  if (method->hard_labels() == v1::HARD_LABEL_SOURCE_UNSPECIFIED) {
    method->set_hard_labels(v1::HARD_LABEL_SOURCE_TEACHER);
  }
  if (method->epochs() == 0) method->set_epochs(20);
  if (method->global_batch() == 0) method->set_global_batch(64);
  if (method->learning_rate() == 0) method->set_learning_rate(encoder ? 0.0005 : 0.01);
  if (!method->has_weight_decay()) method->set_weight_decay(0.01);
  if (!method->has_warmup_share()) method->set_warmup_share(0.05);
  if (!method->has_validation_share()) method->set_validation_share(0.1);
  if (method->seed() == 0) method->set_seed(1);
  if (method->checkpoint_steps() == 0) method->set_checkpoint_steps(50);
  if (method->max_gradient_norm() == 0) method->set_max_gradient_norm(1);
}

void FillSmoke(v1::Smoke* smoke) {
  if (!smoke->has_rows()) smoke->set_rows(kDefaultSmokeRows);
  if (!smoke->has_usable()) smoke->set_usable(std::min(kDefaultSmokeUsable, smoke->rows()));
}

void FillAcceptance(v1::Acceptance* acceptance) {
  if (acceptance->metric().empty()) acceptance->set_metric("macro_f1");
  if (!acceptance->has_margin()) acceptance->set_margin(0.03);
  if (acceptance->confidence() == 0) acceptance->set_confidence(0.95);
  if (acceptance->resamples() == 0) acceptance->set_resamples(2000);
}

}  // namespace

void FillDefaults(const TeacherCatalog& teachers, v1::JobSpec* spec) {
  FillData(spec->mutable_data());
  FillTask(teachers, spec);
  for (v1::TeacherUse& use : *spec->mutable_teachers()) FillTeacher(teachers, *spec, &use);
  FillStudent(spec->mutable_student());
  FillMethod(spec->student().has_encoder(), spec->mutable_method());
  v1::NoiseSpec* noise = spec->mutable_noise();
  if (noise->prompt().seed() == 0) noise->mutable_prompt()->set_seed(1);
  if (noise->output().seed() == 0) noise->mutable_output()->set_seed(1);
  if (spec->budget().on_exhausted() == v1::Budget::ON_EXHAUSTED_UNSPECIFIED) {
    spec->mutable_budget()->set_on_exhausted(v1::Budget::ON_EXHAUSTED_PAUSE);
  }
  FillSmoke(spec->mutable_smoke());
  FillAcceptance(spec->mutable_acceptance());
  v1::Runtime* runtime = spec->mutable_runtime();
  if (runtime->min_workers() == 0) runtime->set_min_workers(1);
  if (runtime->max_workers() == 0) runtime->set_max_workers(runtime->min_workers());
  if (!spec->has_max_rejected_share()) spec->set_max_rejected_share(0.05);
}

std::vector<std::string> LabelSpellings(const v1::ClassifyTask& task) {
  std::vector<std::string> spellings;
  std::set<std::string> known;
  const auto add = [&](const std::string& spelling) {
    if (known.insert(spelling).second) spellings.push_back(spelling);
  };
  for (const v1::Label& label : task.labels()) {
    add(label.name());
    for (const std::string& variant : label.variants()) add(variant);
  }
  return spellings;
}

bool CountsVotes(const v1::JobSpec& spec) {
  switch (spec.task().classify().label_method()) {
    case v1::ClassifyTask::LABEL_METHOD_VOTES:
    case v1::ClassifyTask::LABEL_METHOD_SCHEMA:
      return true;
    // Only specs from before there was a choice.
    case v1::ClassifyTask::LABEL_METHOD_UNSPECIFIED:
    case v1::ClassifyTask::LABEL_METHOD_AUTO:
      return spec.teachers_size() > 0 && spec.teachers(0).top_logprobs() == 0;
    default:
      return false;
  }
}

uint32_t SamplesPerItem(const v1::JobSpec& spec) {
  const v1::ClassifyTask& task = spec.task().classify();
  if (task.label_method() == v1::ClassifyTask::LABEL_METHOD_SCORED) {
    return std::max<uint32_t>(1, static_cast<uint32_t>(task.labels_size()));
  }
  if (!CountsVotes(spec) || spec.teachers().empty()) return 1;
  const v1::TeacherUse& use = spec.teachers(0);
  return std::max<uint32_t>(1, use.has_voting() ? use.voting().max_votes() : use.votes());
}

uint32_t FirstSamplesPerItem(const v1::JobSpec& spec) {
  const uint32_t all = SamplesPerItem(spec);
  if (!CountsVotes(spec) || spec.teachers().empty() || !spec.teachers(0).has_voting()) return all;
  return std::clamp<uint32_t>(spec.teachers(0).voting().min_votes(), 1, all);
}

}  // namespace limbeck::gateway
