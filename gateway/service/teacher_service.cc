#include "gateway/service/teacher_service.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/grpc/status_codec.h"
#include "base/utf8.h"

namespace limbeck::gateway {
namespace {

v1::Teacher Show(const ConfiguredTeacher& teacher) {
  const TeacherConfig& config = teacher.config;
  v1::Teacher shown;
  shown.set_name(config.name);
  shown.set_kind(config.kind);
  shown.set_model(config.model);
  shown.set_host(std::string(UrlAuthority(config.base_url)));
  shown.set_input_micro_usd_per_million(config.input_micro_usd_per_million);
  shown.set_output_micro_usd_per_million(config.output_micro_usd_per_million);
  shown.set_trainable(config.training_use.has_value());
  if (config.training_use.has_value()) {
    shown.set_training_use_basis(config.training_use->basis);
    shown.set_training_use_evidence(config.training_use->evidence);
    shown.set_training_use_reviewed_on(config.training_use->reviewed_on);
  }
  shown.set_sells_by_batch(config.batch.has_value());
  if (config.batch.has_value()) shown.set_batch_price_percent(config.batch->price_percent);
  return shown;
}

v1::TeacherState StateOf(const TeacherClient& client) {
  const DispatchState state = client.state();
  v1::TeacherState shown;
  if (state.stopped.has_value()) {
    shown.mutable_stop()->set_reason(ReplaceInvalidUtf8(state.stopped->reason));
    shown.mutable_stop()->set_message(ReplaceInvalidUtf8(state.stopped->message));
  }
  shown.set_circuit_open(state.circuit_open);
  if (state.parked_for > absl::ZeroDuration()) {
    shown.set_parked_seconds(static_cast<uint64_t>(
        absl::ToInt64Seconds(absl::Ceil(state.parked_for, absl::Seconds(1)))));
  }
  shown.set_waiting_calls(state.waiting);
  shown.set_calls_in_flight(state.in_flight);
  return shown;
}

}  // namespace

grpc::Status TeacherServiceImpl::ListTeachers(grpc::ServerContext*,
                                              const v1::ListTeachersRequest* request,
                                              v1::ListTeachersResponse* response) {
  for (const auto& [name, teacher] : teachers_->teachers()) {
    v1::Teacher shown = Show(teacher.configured);
    if (request->trainable_only() && !shown.trainable()) continue;
    *shown.mutable_state() = StateOf(*teacher.client);
    const auto seen = probe_->Last(name);
    if (!seen.ok()) return rpc::ToGrpc(seen.status());
    if (seen->has_value()) *shown.mutable_capability() = **seen;
    *response->add_teachers() = std::move(shown);
  }
  return grpc::Status::OK;
}

absl::StatusOr<const TeacherSet::Teacher*> TeacherServiceImpl::Find(const std::string& name) const {
  const TeacherSet::Teacher* teacher = teachers_->Find(name);
  if (teacher != nullptr) return teacher;
  return absl::NotFoundError(
      absl::StrCat("no teacher \"", name, "\" is configured; see limbeck teachers list"));
}

grpc::Status TeacherServiceImpl::PlanTeacherProbe(grpc::ServerContext*,
                                                  const v1::PlanTeacherProbeRequest* request,
                                                  v1::TeacherProbePlan* response) {
  const auto teacher = Find(request->name());
  if (!teacher.ok()) return rpc::ToGrpc(teacher.status());
  *response = TeacherProbe::Plan(**teacher);
  return grpc::Status::OK;
}

grpc::Status TeacherServiceImpl::ProbeTeacher(grpc::ServerContext*,
                                              const v1::ProbeTeacherRequest* request,
                                              v1::TeacherCapability* response) {
  const auto teacher = Find(request->name());
  if (!teacher.ok()) return rpc::ToGrpc(teacher.status());
  auto seen = probe_->Run(**teacher, request->has_max_micro_usd() ? request->max_micro_usd()
                                                                  : kDefaultProbeCeilingMicroUsd);
  if (!seen.ok()) return rpc::ToGrpc(seen.status());
  *response = *std::move(seen);
  return grpc::Status::OK;
}

}  // namespace limbeck::gateway
