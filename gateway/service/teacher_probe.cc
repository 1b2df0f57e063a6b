#include "gateway/service/teacher_probe.h"

#include <algorithm>
#include <memory>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "base/log.h"
#include "base/status.h"
#include "gateway/jobs/proto_time.h"
#include "gateway/teachers/cost.h"

namespace limbeck::gateway {
namespace {

constexpr std::string_view kCapabilitiesTable = "teacher_capabilities";
constexpr std::string_view kProbesMetric = "limbeck_gateway_teacher_probes_total";
constexpr std::string_view kProbeCostMetric = "limbeck_gateway_teacher_probe_micro_usd_total";

TeacherQuery Question(const ConfiguredTeacher& teacher) {
  TeacherQuery query;
  query.messages = {{Role::kUser, "Answer with one word: is the sky blue?"}};
  query.sampling.temperature = 0;
  query.sampling.max_tokens = 4;
  if (teacher.facts.gives_top_logprobs) {
    query.top_logprobs = std::min(teacher.config.max_top_logprobs,
                                  teacher.provider->capabilities().max_top_logprobs);
  }
  return query;
}

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

v1::TeacherCapability Describe(const cache::SoftOutput& answer) {
  v1::TeacherCapability seen;
  seen.set_support(SupportProto(answer.support));
  seen.set_model(answer.provenance.model);
  seen.set_fingerprint(answer.provenance.fingerprint);
  size_t most = 0;
  bool bytes = !answer.tokens.empty();
  bool ids = !answer.tokens.empty();
  for (const cache::Token& token : answer.tokens) {
    most = std::max(most, token.candidates.size());
    bytes = bytes && !token.bytes.empty() && !token.lossy;
    ids = ids && token.id.has_value();
  }
  seen.set_max_top_logprobs(static_cast<uint32_t>(most));
  seen.set_gives_bytes(bytes);
  seen.set_gives_token_ids(ids);
  return seen;
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

TeacherProbe::TeacherProbe(kv::Engine* engine, Clock* clock, metrics::Registry* registry,
                           const ProbeOptions& options)
    : engine_(engine), clock_(clock), options_(options) {
  if (registry == nullptr) return;
  probes_ = registry->AddCounter(std::string(kProbesMetric), "Teachers asked by ProbeTeacher.");
  micro_usd_ = registry->AddCounter(std::string(kProbeCostMetric),
                                    "Cost of answered probes, micro-USD; charged to no job.");
}

absl::StatusOr<v1::TeacherCapability> TeacherProbe::Run(const TeacherSet::Teacher& teacher) {
  const TeacherConfig& config = teacher.configured.config;
  // Shared with `done`, which may come after nobody waits any more.
  struct Answer {
    CallOutcome outcome;
    absl::Notification came;
  };
  const auto answer = std::make_shared<Answer>();
  const TeacherQuery query = Question(teacher.configured);
  Call call;
  call.query = query;
  call.timeout = options_.timeout;
  call.done = [answer](CallOutcome outcome) {
    answer->outcome = std::move(outcome);
    answer->came.Notify();
  };
  const SteadyTime start = clock_->Now();
  LIMBECK_RETURN_IF_ERROR(teacher.client->Ask(std::move(call)));
  answer->came.WaitForNotification();
  probes_.Add();
  if (!answer->outcome.ok()) {
    return ToStatus(config.name, std::get<Failure>(answer->outcome.result));
  }
  const auto& output = std::get<cache::SoftOutput>(answer->outcome.result);
  const int64_t cost = ActualMicroUsd(config, query, output.usage);
  micro_usd_.Add(static_cast<double>(cost));
  LIMBECK_LOG(INFO) << "probed teacher" << LogField("teacher", config.name)
                    << LogField("micro_usd", cost);
  v1::TeacherCapability seen = Describe(output);
  *seen.mutable_probe_time() = ToProto(clock_->WallNow());
  seen.set_seconds(absl::ToDoubleSeconds(clock_->Now() - start));
  kv::WriteBatch batch;
  batch.Put(kCapabilitiesTable, config.name, seen.SerializeAsString());
  LIMBECK_RETURN_IF_ERROR(engine_->Write(batch));
  return seen;
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
