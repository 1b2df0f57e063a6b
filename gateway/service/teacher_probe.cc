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
#include "gateway/service/teacher_capability.h"
#include "gateway/teachers/cost.h"

namespace limbeck::gateway {
namespace {

constexpr std::string_view kCapabilitiesTable = "teacher_capabilities";
constexpr std::string_view kProbesMetric = "limbeck_gateway_teacher_probes_total";
constexpr int kOk = 200;
constexpr std::string_view kProbeCostMetric = "limbeck_gateway_teacher_probe_micro_usd_total";

Capabilities CapabilitiesOf(const ConfiguredTeacher& teacher) {
  return teacher.provider->CapabilitiesFor(teacher.config);
}

std::vector<ProbeQuestion> QuestionsFor(const ConfiguredTeacher& teacher) {
  const Capabilities can = CapabilitiesOf(teacher);
  return PlanProbe(can,
                   MostProbedCandidates(teacher.config, can, teacher.facts.gives_top_logprobs));
}

bool IsRefusedForm(const CallOutcome& outcome) {
  const auto* failure = std::get_if<Failure>(&outcome.result);
  return failure != nullptr && failure->cls == FailureClass::kBadRequest;
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

std::vector<std::string> TeacherProbe::Tables() { return {std::string(kCapabilitiesTable)}; }

TeacherProbe::TeacherProbe(kv::Engine* engine, http::Transport* transport, Clock* clock,
                           metrics::Registry* registry, const ProbeOptions& options)
    : engine_(engine), transport_(transport), clock_(clock), options_(options) {
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

// One run of a plan: its calls one after another, and what they cost.
class TeacherProbe::Session {
 public:
  Session(const TeacherProbe* probe, const TeacherSet::Teacher& teacher)
      : probe_(probe), teacher_(teacher), config_(teacher.configured.config) {}

  absl::StatusOr<v1::TeacherCapability> Run() {
    LIMBECK_RETURN_IF_ERROR(AskFirst());
    for (size_t i = 1; i < questions_.size(); ++i) {
      LIMBECK_ASSIGN_OR_RETURN(Asked asked, Ask(questions_[i].query));
      answers_.push_back({questions_[i].aspect, std::move(asked.outcome.result),
                          asked.outcome.further.size(), std::move(asked.headers)});
    }
    v1::TeacherCapability seen = DescribeFindings(ReadProbe(questions_, answers_, List()));
    for (const std::string& refusal : refusals_) seen.add_notes(ReplaceInvalidUtf8(refusal));
    *seen.mutable_probe_time() = ToProto(probe_->clock_->WallNow());
    seen.set_seconds(absl::ToDoubleSeconds(first_took_));
    seen.set_calls(calls_);
    seen.set_micro_usd(cost_);
    return seen;
  }

 private:
  struct Asked {
    CallOutcome outcome;
    std::vector<RateHeader> headers;
  };

  absl::StatusOr<Asked> Ask(const TeacherQuery& query);
  absl::Status AskFirst();
  Listing List() const;

  const TeacherProbe* const probe_;
  const TeacherSet::Teacher& teacher_;
  const TeacherConfig& config_;
  std::vector<ProbeQuestion> questions_;
  std::vector<ProbeAnswer> answers_;
  std::vector<std::string> refusals_;
  absl::Duration first_took_;
  int64_t cost_ = 0;
  uint32_t calls_ = 0;
};

absl::StatusOr<TeacherProbe::Session::Asked> TeacherProbe::Session::Ask(const TeacherQuery& query) {
  // Shared with the callbacks, which may come after nobody waits any more.
  struct Answer {
    Asked asked;
    absl::Notification came;
  };
  const auto answer = std::make_shared<Answer>();
  Call call;
  call.query = query;
  call.timeout = probe_->options_.timeout;
  call.on_response = [answer](const http::Response& response) {
    answer->asked.headers = RateHeadersOf(response);
  };
  call.done = [answer](CallOutcome outcome) {
    answer->asked.outcome = std::move(outcome);
    answer->came.Notify();
  };
  LIMBECK_RETURN_IF_ERROR(teacher_.client->Ask(std::move(call)));
  answer->came.WaitForNotification();
  const int64_t paid = Cost(config_, query, answer->asked.outcome);
  cost_ += paid;
  ++calls_;
  probe_->micro_usd_.Add(static_cast<double>(paid));
  return std::move(answer->asked);
}

// The first question, with as many candidates as the teacher allows.
absl::Status TeacherProbe::Session::AskFirst() {
  const Capabilities can = CapabilitiesOf(teacher_.configured);
  uint32_t candidates =
      MostProbedCandidates(config_, can, teacher_.configured.facts.gives_top_logprobs);
  std::optional<CandidateSearch> search;
  while (true) {
    std::vector<ProbeQuestion> questions = PlanProbe(can, candidates);
    const SteadyTime start = probe_->clock_->Now();
    LIMBECK_ASSIGN_OR_RETURN(Asked asked, Ask(questions.front().query));
    const bool refused = candidates > 0 && IsRefusedForm(asked.outcome);
    if (!refused && !asked.outcome.ok()) {
      return ToStatus(config_.name, std::get<Failure>(asked.outcome.result));
    }
    if (refused) {
      refusals_.push_back(absl::StrCat("candidates: ", candidates, " per token are refused: ",
                                       std::get<Failure>(asked.outcome.result).message));
      if (!search.has_value()) search.emplace(candidates);
    } else {
      // Of several that were accepted the last is the one with most candidates.
      first_took_ = probe_->clock_->Now() - start;
      questions_ = std::move(questions);
      answers_.clear();
      answers_.push_back({ProbeAspect::kAnswer, std::move(asked.outcome.result),
                          asked.outcome.further.size(), std::move(asked.headers)});
    }
    if (!search.has_value()) return absl::OkStatus();
    search->Tell(candidates, !refused);
    const std::optional<uint32_t> next = search->Next();
    if (!next.has_value()) return absl::OkStatus();
    candidates = *next;
  }
}

Listing TeacherProbe::Session::List() const {
  LIMBECK_ASSIGN_OR_RETURN(http::Request request,
                           teacher_.configured.provider->BuildListing(config_));
  request.total_timeout = std::min(request.total_timeout, probe_->options_.timeout);
  struct Answer {
    http::Outcome outcome;
    absl::Notification came;
  };
  const auto answer = std::make_shared<Answer>();
  probe_->transport_->Start(std::move(request), [answer](http::Outcome outcome) {
    answer->outcome = std::move(outcome);
    answer->came.Notify();
  });
  answer->came.WaitForNotification();
  LIMBECK_RETURN_IF_ERROR(answer->outcome.status);
  const http::Response& response = answer->outcome.response;
  if (response.status_code != kOk) {
    return absl::UnavailableError(
        absl::StrCat("GET /models was answered with status ", response.status_code));
  }
  return ReadModelListing(response.body, config_.model);
}

absl::StatusOr<v1::TeacherCapability> TeacherProbe::Run(const TeacherSet::Teacher& teacher,
                                                        int64_t max_micro_usd) {
  const TeacherConfig& config = teacher.configured.config;
  const int64_t bound = ProbeUpperBoundMicroUsd(config, QuestionsFor(teacher.configured));
  if (bound > max_micro_usd) {
    return absl::FailedPreconditionError(absl::StrCat(
        "probing teacher \"", config.name, "\" may cost ", bound,
        " micro-USD, above the ceiling of ", max_micro_usd,
        "; nothing was asked. A higher --max-usd (1 USD is 1,000,000 micro-USD) lets it "
        "go on"));
  }
  probes_.Add();
  LIMBECK_ASSIGN_OR_RETURN(v1::TeacherCapability seen, Session(this, teacher).Run());
  LIMBECK_LOG(INFO) << "probed teacher" << LogField("teacher", config.name)
                    << LogField("calls", seen.calls()) << LogField("micro_usd", seen.micro_usd());
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
