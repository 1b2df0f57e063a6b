#include "gateway/service/teacher_probe.h"

#include <algorithm>
#include <memory>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "base/log.h"
#include "base/status.h"
#include "base/utf8.h"
#include "gateway/jobs/proto_time.h"
#include "gateway/probing/probe_findings.h"
#include "gateway/probing/probe_plan.h"
#include "gateway/teachers/cost.h"

namespace limbeck::gateway {
namespace {

constexpr std::string_view kCapabilitiesTable = "teacher_capabilities";
constexpr std::string_view kProbesMetric = "limbeck_gateway_teacher_probes_total";
constexpr std::string_view kProbeCostMetric = "limbeck_gateway_teacher_probe_micro_usd_total";

v1::Support SupportProto(cache::Support support) {
  switch (support) {
    case cache::Support::kTopK:
      return v1::SUPPORT_TOP_K;
    case cache::Support::kChosenOnly:
      return v1::SUPPORT_CHOSEN_ONLY;
    case cache::Support::kTextOnly:
      break;
  }
  return v1::SUPPORT_TEXT_ONLY;
}

v1::LogprobStage StageProto(LogprobStage stage) {
  switch (stage) {
    case LogprobStage::kBeforeTemperature:
      return v1::LOGPROB_STAGE_BEFORE_TEMPERATURE;
    case LogprobStage::kAfterTemperature:
      return v1::LOGPROB_STAGE_AFTER_TEMPERATURE;
    case LogprobStage::kUnknown:
      break;
  }
  return v1::LOGPROB_STAGE_UNSPECIFIED;
}

v1::TeacherCapability Describe(const ProbeFindings& findings) {
  v1::TeacherCapability seen;
  // Fields without presence say no where it is not known.
  seen.set_support(SupportProto(findings.support));
  seen.set_max_top_logprobs(findings.max_top_logprobs);
  seen.set_gives_bytes(findings.bytes == Finding::kYes);
  seen.set_gives_token_ids(findings.token_ids == Finding::kYes);
  seen.set_model(findings.model);
  seen.set_fingerprint(findings.fingerprint);
  const auto set = [&seen](Finding finding, void (v1::TeacherCapability::*setter)(bool)) {
    if (finding != Finding::kUnknown) (seen.*setter)(finding == Finding::kYes);
  };
  set(findings.chosen_listed, &v1::TeacherCapability::set_lists_chosen_token);
  set(findings.repeatable, &v1::TeacherCapability::set_repeats_at_zero);
  set(findings.seed, &v1::TeacherCapability::set_honours_seed);
  set(findings.continuation, &v1::TeacherCapability::set_scores_continuation);
  set(findings.schema, &v1::TeacherCapability::set_follows_schema);
  set(findings.choices, &v1::TeacherCapability::set_holds_to_choices);
  seen.set_logprob_stage(StageProto(findings.stage));
  for (const std::string& note : findings.notes) seen.add_notes(ReplaceInvalidUtf8(note));
  return seen;
}

std::vector<ProbeQuestion> QuestionsFor(const ConfiguredTeacher& teacher) {
  return PlanProbe(teacher.config, teacher.provider->CapabilitiesFor(teacher.config),
                   teacher.facts.gives_top_logprobs);
}

// What a call is charged with: an outcome that is not known counts in full.
int64_t Cost(const TeacherConfig& config, const TeacherQuery& query, const CallOutcome& outcome) {
  int64_t cost = outcome.ambiguous_tries * UpperBoundMicroUsd(config, query);
  if (outcome.ok()) {
    cost += ActualMicroUsd(config, query, std::get<cache::SoftOutput>(outcome.result).usage);
  }
  return cost;
}

absl::Status ToStatus(const std::string& teacher, const Failure& failure) {
  const std::string message =
      absl::StrCat("teacher \"", teacher, "\": ", failure.message, " (", failure.reason, ")");
  switch (failure.cls) {
    case FailureClass::kBadRequest:
    case FailureClass::kStopTeacher:
    case FailureClass::kRefused:
      return absl::FailedPreconditionError(message);
    case FailureClass::kDeadline:
      return absl::DeadlineExceededError(message);
    default:
      return absl::UnavailableError(message);
  }
}

}  // namespace

void ApplyCapability(const v1::TeacherCapability& seen, TeacherFacts* facts) {
  facts->probed_on = absl::FormatTime(
      "%Y-%m-%d", absl::FromUnixSeconds(seen.probe_time().seconds()), absl::UTCTimeZone());
  if (seen.support() != v1::SUPPORT_TOP_K) facts->gives_top_logprobs = false;
  if (seen.max_top_logprobs() > 0) {
    facts->max_top_logprobs = facts->max_top_logprobs == 0
                                  ? seen.max_top_logprobs()
                                  : std::min(facts->max_top_logprobs, seen.max_top_logprobs());
  }
  if (seen.has_scores_continuation() && !seen.scores_continuation()) {
    facts->scores_continuations = false;
  }
  if (seen.has_follows_schema() && !seen.follows_schema()) facts->follows_schema = false;
}

std::vector<std::string> TeacherProbe::Tables() { return {std::string(kCapabilitiesTable)}; }

TeacherProbe::TeacherProbe(kv::Engine* engine, Clock* clock, metrics::Registry* registry,
                           const ProbeOptions& options)
    : engine_(engine), clock_(clock), options_(options) {
  if (registry == nullptr) return;
  probes_ = registry->AddCounter(std::string(kProbesMetric), "Teachers asked by ProbeTeacher.");
  micro_usd_ = registry->AddCounter(std::string(kProbeCostMetric),
                                    "Cost of probes, micro-USD; charged to no job.");
}

v1::TeacherProbePlan TeacherProbe::Plan(const TeacherSet::Teacher& teacher) {
  const std::vector<ProbeQuestion> questions = QuestionsFor(teacher.configured);
  v1::TeacherProbePlan plan;
  plan.set_calls(static_cast<uint32_t>(questions.size()));
  plan.set_max_micro_usd(ProbeUpperBoundMicroUsd(teacher.configured.config, questions));
  for (const ProbeQuestion& question : questions) {
    const std::string aspect(ProbeAspectName(question.aspect));
    const int known = plan.aspects_size();
    if (known == 0 || plan.aspects(known - 1) != aspect) plan.add_aspects(aspect);
  }
  return plan;
}

absl::StatusOr<CallOutcome> TeacherProbe::Ask(const TeacherSet::Teacher& teacher,
                                              const TeacherQuery& query) {
  // Shared with `done`, which may come after nobody waits any more.
  struct Answer {
    CallOutcome outcome;
    absl::Notification came;
  };
  const auto answer = std::make_shared<Answer>();
  Call call;
  call.query = query;
  call.timeout = options_.timeout;
  call.done = [answer](CallOutcome outcome) {
    answer->outcome = std::move(outcome);
    answer->came.Notify();
  };
  LIMBECK_RETURN_IF_ERROR(teacher.client->Ask(std::move(call)));
  answer->came.WaitForNotification();
  return std::move(answer->outcome);
}

absl::StatusOr<v1::TeacherCapability> TeacherProbe::Run(const TeacherSet::Teacher& teacher,
                                                        int64_t max_micro_usd) {
  const TeacherConfig& config = teacher.configured.config;
  const std::vector<ProbeQuestion> questions = QuestionsFor(teacher.configured);
  const int64_t bound = ProbeUpperBoundMicroUsd(config, questions);
  if (bound > max_micro_usd) {
    return absl::FailedPreconditionError(
        absl::StrCat("probing teacher \"", config.name, "\" may cost ", bound,
                     " micro-USD, above the ceiling of ", max_micro_usd, "; raise it to go on"));
  }
  probes_.Add();
  const SteadyTime start = clock_->Now();
  absl::Duration first_took;
  int64_t cost = 0;
  std::vector<ProbeAnswer> answers;
  for (const ProbeQuestion& question : questions) {
    LIMBECK_ASSIGN_OR_RETURN(CallOutcome outcome, Ask(teacher, question.query));
    const int64_t paid = Cost(config, question.query, outcome);
    cost += paid;
    micro_usd_.Add(static_cast<double>(paid));
    if (answers.empty()) {
      first_took = clock_->Now() - start;
      if (!outcome.ok()) return ToStatus(config.name, std::get<Failure>(outcome.result));
    }
    answers.push_back({question.aspect, std::move(outcome.result)});
  }
  LIMBECK_LOG(INFO) << "probed teacher" << LogField("teacher", config.name)
                    << LogField("calls", answers.size()) << LogField("micro_usd", cost);
  v1::TeacherCapability seen = Describe(ReadProbe(questions, answers));
  *seen.mutable_probe_time() = ToProto(clock_->WallNow());
  seen.set_seconds(absl::ToDoubleSeconds(first_took));
  seen.set_calls(static_cast<uint32_t>(answers.size()));
  seen.set_micro_usd(cost);
  LIMBECK_RETURN_IF_ERROR(Keep(config.name, seen));
  return seen;
}

absl::Status TeacherProbe::Keep(const std::string& name, const v1::TeacherCapability& seen) {
  kv::WriteBatch batch;
  batch.Put(kCapabilitiesTable, name, seen.SerializeAsString());
  return engine_->Write(batch);
}

absl::StatusOr<std::optional<v1::TeacherCapability>> TeacherProbe::Last(
    const std::string& name) const {
  LIMBECK_ASSIGN_OR_RETURN(const auto stored, engine_->Get(kCapabilitiesTable, name));
  if (!stored.has_value()) return std::nullopt;
  v1::TeacherCapability seen;
  if (!seen.ParseFromString(*stored)) {
    return absl::DataLossError(absl::StrCat("stored capability of teacher \"", name, "\""));
  }
  return seen;
}

}  // namespace limbeck::gateway
