#include "gateway/jobs/spec_validation.h"

#include <algorithm>
#include <cstddef>
#include <limits>
#include <map>
#include <set>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/string_view.h"
#include "cache/records/job_labels.h"
#include "gateway/jobs/fault_list.h"
#include "gateway/jobs/job_noise.h"
#include "gateway/jobs/job_prompt.h"
#include "gateway/jobs/label_checks.h"
#include "gateway/jobs/prompt_validation.h"

namespace limbeck::gateway {
namespace {

constexpr uint32_t kMaxHedgeMilliseconds = 3'600'000;
constexpr size_t kMaxDisplayNameBytes = 200;
constexpr size_t kMaxLabelBytes = 200;
constexpr int kMaxLabels = 1000;
constexpr int kMaxVariantsPerLabel = 100;

bool IsDatasetId(std::string_view id) {
  constexpr std::string_view kPrefix = "sha256:";
  if (id.size() != kPrefix.size() + 64 || id.substr(0, kPrefix.size()) != kPrefix) return false;
  const std::string_view digits = id.substr(kPrefix.size());
  return std::all_of(digits.begin(), digits.end(),
                     [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

void CheckReference(const std::string& field, const v1::DatasetRef& ref, const v1::Dataset* dataset,
                    FaultList* faults) {
  if (ref.id().empty()) {
    faults->Add(field + ".id", ref.path().empty()
                                   ? "is missing; expected the id of an uploaded dataset"
                                   : absl::StrCat("is missing; upload ", ref.path(),
                                                  " and put the id here, the service reads no "
                                                  "files of its callers"));
  } else if (!IsDatasetId(ref.id())) {
    faults->Add(field + ".id", absl::StrCat("is \"", ref.id(),
                                            "\"; expected \"sha256:\" and 64 lower-case "
                                            "hexadecimal digits"));
  } else if (dataset == nullptr) {
    faults->Add(field + ".id", absl::StrCat(ref.id(), " is not stored here; upload it first"),
                kInputMissing);
  }
}

// Columns that a dataset must have, each with the field that asks for it.
void CheckColumns(const std::string& which, const v1::Dataset& dataset, const v1::JobSpec& spec,
                  bool needs_label, FaultList* faults) {
  const v1::DataSpec& data = spec.data();
  const auto need = [&](const std::string& field, const std::string& column) {
    if (HasColumn(dataset, column)) return;
    faults->Add(field,
                absl::StrCat("names column \"", column, "\", which the ", which,
                             " dataset lacks; it has ", absl::StrJoin(dataset.columns(), ", ")));
  };
  need("data.input_column", data.input_column());
  if (needs_label) need("data.label_column", data.label_column());
  if (!data.id_column().empty()) need("data.id_column", data.id_column());
}

void CheckData(const v1::JobSpec& spec, const SpecContext& context, FaultList* faults) {
  const v1::DataSpec& data = spec.data();
  CheckReference("data.train", data.train(), context.train, faults);
  if (data.has_held_out()) {
    CheckReference("data.held_out", data.held_out(), context.held_out, faults);
    if (data.held_out_share() != 0) {
      faults->Add("data.held_out_share",
                  "is set together with data.held_out; leave one of them out");
    }
  } else {
    faults->Range("data.held_out_share", data.held_out_share(), 0.001, 0.9);
  }
  const bool train_gold = spec.method().hard_labels() == v1::HARD_LABEL_SOURCE_GOLD;
  if (context.train != nullptr) {
    CheckColumns("train", *context.train, spec, train_gold || !data.has_held_out(), faults);
  }
  if (data.has_held_out() && context.held_out != nullptr) {
    CheckColumns("held-out", *context.held_out, spec, true, faults);
  }
  const v1::FewShot& few_shot = data.expansion().few_shot();
  if (few_shot.has_pool()) {
    CheckReference("data.expansion.few_shot.pool", few_shot.pool(), context.pool, faults);
  }
  if (context.pool != nullptr && !HasColumn(*context.pool, data.input_column())) {
    faults->Add("data.expansion.few_shot.pool",
                absl::StrCat("lacks the input column \"", data.input_column(), "\"; it has ",
                             absl::StrJoin(context.pool->columns(), ", ")));
  }
  CheckPrompts(spec, context, faults);
  CheckExpansion(spec, context, faults);
}

void CheckPurchase(const std::string& at, const v1::TeacherUse& use, const TeacherFacts* facts,
                   FaultList* faults) {
  if (use.purchase() != v1::TeacherUse::PURCHASE_BATCH) {
    if (!v1::TeacherUse::Purchase_IsValid(use.purchase())) {
      faults->Add(at + ".purchase", absl::StrCat("is ", int{use.purchase()},
                                                 "; expected PURCHASE_CALLS or PURCHASE_BATCH"));
    }
    return;
  }
  if (facts != nullptr && !facts->sells_by_batch) {
    faults->Add(at + ".purchase",
                absl::StrCat("is PURCHASE_BATCH, but \"", use.teacher(),
                             "\" takes no batches; leave it out, or have the operator give the "
                             "teacher `batch` where its provider kind can"));
  }
  if (use.has_hedge()) {
    faults->Add(at + ".hedge",
                "is set together with PURCHASE_BATCH, which waits anyway; leave one "
                "of them out");
  }
  if (use.has_voting()) {
    faults->Add(at + ".voting",
                "is set together with PURCHASE_BATCH: each further vote would take another day; "
                "give a fixed number of `votes`, or buy by calls");
  }
}

void CheckTeachers(const v1::JobSpec& spec, const TeacherCatalog& teachers, FaultList* faults) {
  if (spec.teachers_size() != 1) {
    faults->Add("teachers", absl::StrCat("has ", spec.teachers_size(),
                                         " entries; expected exactly one teacher"));
  }
  for (int i = 0; i < spec.teachers_size(); ++i) {
    const v1::TeacherUse& use = spec.teachers(i);
    const std::string at = absl::StrCat("teachers[", i, "]");
    const auto it = teachers.find(use.teacher());
    if (it == teachers.end()) {
      std::vector<std::string> known;
      for (const auto& [name, facts] : teachers) known.push_back(name);
      faults->Add(at + ".teacher",
                  absl::StrCat("is \"", use.teacher(), "\", which is not configured; known are ",
                               known.empty() ? "none" : absl::StrJoin(known, ", ")));
    } else if (!it->second.trainable) {
      faults->Add(at + ".teacher",
                  absl::StrCat("\"", use.teacher(),
                               "\" may be asked for evaluation only: the operator has stated no "
                               "training_use for it; choose a trainable teacher or have the "
                               "operator add the basis"),
                  kTeacherForbidsTraining);
    }
    CheckPurchase(at, use, it == teachers.end() ? nullptr : &it->second, faults);
    faults->Range(at + ".top_logprobs", use.top_logprobs(), 0U, 20U);
    faults->Range(at + ".votes", use.votes(), 1U, 64U);
    faults->Range(at + ".sampling.temperature", use.sampling().temperature(), 0.0, 2.0);
    faults->Range(at + ".sampling.top_p", use.sampling().top_p(), 1e-6, 1.0);
    faults->Range(at + ".sampling.max_tokens", use.sampling().max_tokens(), 1U, 65'536U);
    if (use.has_hedge()) {
      faults->Range(at + ".hedge.after_milliseconds", use.hedge().after_milliseconds(), 1U,
                    kMaxHedgeMilliseconds);
    }
  }
}

void CheckClassify(const v1::ClassifyTask& task, FaultList* faults) {
  const std::string labels_field = "task.classify.labels";
  faults->Range("task.classify.min_label_mass", task.min_label_mass(), 0.0, 1.0);
  if (task.labels_size() < 2 || task.labels_size() > kMaxLabels) {
    faults->Add(labels_field,
                absl::StrCat("has ", task.labels_size(), " entries; expected 2 to ", kMaxLabels));
    return;
  }
  std::map<std::string, int> seen;
  bool sound = true;
  for (int i = 0; i < task.labels_size(); ++i) {
    const v1::Label& label = task.labels(i);
    const std::string at = absl::StrCat(labels_field, "[", i, "]");
    const auto [it, fresh] = seen.emplace(label.name(), i);
    if (label.name().empty() || label.name().size() > kMaxLabelBytes) {
      faults->Add(at + ".name", absl::StrCat("has ", label.name().size(), " bytes; expected 1 to ",
                                             kMaxLabelBytes));
      sound = false;
    } else if (!fresh) {
      faults->Add(at + ".name",
                  absl::StrCat("\"", label.name(), "\" is already the name of ", labels_field, "[",
                               it->second, "]; names must be unique"));
      sound = false;
    }
    if (label.variants_size() > kMaxVariantsPerLabel) {
      faults->Add(at + ".variants",
                  absl::StrCat("has ", label.variants_size(), " entries; expected at most ",
                               kMaxVariantsPerLabel));
      sound = false;
    }
  }
  if (!sound) return;
  const auto set = cache::CompileLabels(task);
  if (!set.ok()) faults->Add(labels_field, std::string(ToStd(set.status().message())));
}

void CheckStudent(const v1::StudentSpec& student, FaultList* faults) {
  if (student.has_ngram()) {
    const v1::NgramStudent& ngram = student.ngram();
    faults->Range("student.ngram.hash_bits", ngram.hash_bits(), 10U, 24U);
    faults->Range("student.ngram.max_word_ngram", ngram.max_word_ngram(), 1U, 5U);
    faults->Range("student.ngram.min_char_ngram", ngram.min_char_ngram(), 1U, 8U);
    faults->Range("student.ngram.max_char_ngram", ngram.max_char_ngram(), 0U, 8U);
    if (ngram.max_char_ngram() != 0 && ngram.max_char_ngram() < ngram.min_char_ngram()) {
      faults->Add("student.ngram.max_char_ngram",
                  absl::StrCat("is ", ngram.max_char_ngram(), ", below min_char_ngram ",
                               ngram.min_char_ngram(), "; expected at least that, or 0 for none"));
    }
    return;
  }
  const v1::EncoderStudent& encoder = student.encoder();
  faults->Range("student.encoder.width", encoder.width(), 16U, 1024U);
  faults->Range("student.encoder.layers", encoder.layers(), 1U, 24U);
  faults->Range("student.encoder.heads", encoder.heads(), 1U, 16U);
  faults->Range("student.encoder.max_tokens", encoder.max_tokens(), 8U, 2048U);
  faults->Range("student.encoder.vocabulary_bits", encoder.vocabulary_bits(), 10U, 20U);
  faults->Range("student.encoder.dropout", encoder.dropout(), 0.0, 0.9);
  if (encoder.heads() > 0 && encoder.width() % encoder.heads() != 0) {
    faults->Add("student.encoder.width",
                absl::StrCat("is ", encoder.width(), "; expected a multiple of heads (",
                             encoder.heads(), ")"));
  }
}

void CheckMethod(const v1::Method& method, FaultList* faults) {
  for (const auto& [name, value] : {std::pair("start", method.temperature().start()),
                                    std::pair("end", method.temperature().end())}) {
    faults->Positive(absl::StrCat("method.temperature.", name), value);
  }
  faults->Range("method.hard_weight.start", method.hard_weight().start(), 0.0, 1.0);
  faults->Range("method.hard_weight.end", method.hard_weight().end(), 0.0, 1.0);
  faults->Range("method.epochs", method.epochs(), 1U, 10'000U);
  faults->Range("method.global_batch", method.global_batch(), 1U, 65'536U);
  faults->Positive("method.learning_rate", method.learning_rate());
  faults->Range("method.weight_decay", method.weight_decay(), 0.0, 1e6);
  faults->Range("method.warmup_share", method.warmup_share(), 0.0, 1.0);
  faults->Range("method.validation_share", method.validation_share(), 0.0, 0.5);
  faults->Positive("method.max_gradient_norm", method.max_gradient_norm());
}

void CheckMoney(const v1::JobSpec& spec, const SpecContext& context, FaultList* faults) {
  const int64_t ceiling = spec.budget().ceiling_micro_usd();
  faults->Range("budget.ceiling_micro_usd", ceiling, int64_t{0},
                std::numeric_limits<int64_t>::max() / 4);
  const auto priced = [&](const v1::TeacherUse& use) {
    const auto it = context.teachers->find(use.teacher());
    return it != context.teachers->end() && it->second.has_price();
  };
  if (ceiling == 0 && std::any_of(spec.teachers().begin(), spec.teachers().end(), priced)) {
    faults->Add("budget.ceiling_micro_usd",
                "is missing; the teacher has a price, so the job needs a ceiling in micro-USD "
                "(1 USD = 1000000)");
  }
  if (context.team_ceiling_micro_usd > 0 && ceiling > context.team_ceiling_micro_usd) {
    faults->Add("budget.ceiling_micro_usd",
                absl::StrCat("is ", ceiling, ", above the team's own ceiling of ",
                             context.team_ceiling_micro_usd, " micro-USD"),
                kBudgetExceeded);
  }
}

void CheckRest(const v1::JobSpec& spec, FaultList* faults) {
  faults->Range("smoke.rows", spec.smoke().rows(), 0U, 1000U);
  faults->Range("smoke.usable", spec.smoke().usable(), 0U, spec.smoke().rows());
  const v1::Acceptance& acceptance = spec.acceptance();
  const std::set<std::string> metrics = {"macro_f1", "accuracy", "agreement"};
  if (!metrics.contains(acceptance.metric())) {
    faults->Add("acceptance.metric", absl::StrCat("is \"", acceptance.metric(),
                                                  "\"; expected macro_f1, accuracy or agreement"));
  }
  faults->Range("acceptance.margin", acceptance.margin(), 0.0, 1.0);
  faults->Range("acceptance.confidence", acceptance.confidence(), 0.5, 0.999);
  faults->Range("acceptance.resamples", acceptance.resamples(), 100U, 100'000U);
  faults->Range("runtime.min_workers", spec.runtime().min_workers(), 1U, 1024U);
  faults->Range("runtime.max_workers", spec.runtime().max_workers(),
                std::min(spec.runtime().min_workers(), 1024U), 1024U);
  if (spec.runtime().has_share_weight()) {
    faults->Range("runtime.share_weight", spec.runtime().share_weight(), 0.001, 1000.0);
  }
  faults->Range("max_rejected_share", spec.max_rejected_share(), 0.0, 1.0);
}

}  // namespace

std::vector<Fault> ValidateSpec(const v1::JobSpec& spec, const SpecContext& context) {
  FaultList faults;
  if (spec.display_name().size() > kMaxDisplayNameBytes) {
    faults.Add("display_name", absl::StrCat("has ", spec.display_name().size(),
                                            " bytes; expected at most ", kMaxDisplayNameBytes));
  }
  CheckData(spec, context, &faults);
  CheckTeachers(spec, *context.teachers, &faults);
  CheckLabelMethod(spec, *context.teachers, &faults);
  if (spec.task().has_classify()) {
    CheckClassify(spec.task().classify(), &faults);
  } else {
    faults.Add("task", "is missing; expected task.classify with its labels");
  }
  CheckStudent(spec.student(), &faults);
  CheckMethod(spec.method(), &faults);
  CheckNoise(spec.noise(), &faults);
  CheckMoney(spec, context, &faults);
  CheckRest(spec, &faults);
  return faults.Take();
}

}  // namespace limbeck::gateway
