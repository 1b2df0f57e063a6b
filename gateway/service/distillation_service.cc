#include "gateway/service/distillation_service.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "base/error_details.h"
#include "base/grpc/status_codec.h"
#include "base/status.h"
#include "cache/client/accounts.h"
#include "cache/client/convert.h"
#include "gateway/jobs/state_machine.h"

namespace limbeck::gateway {
namespace {

constexpr size_t kMaxRequestIdBytes = 100;

template <typename T>
grpc::Status Answer(absl::StatusOr<T> result, T* response) {
  if (!result.ok()) return rpc::ToGrpc(result.status());
  *response = *std::move(result);
  return grpc::Status::OK;
}

absl::Status CheckRequestId(const std::string& id) {
  if (!id.empty() && id.size() <= kMaxRequestIdBytes) return absl::OkStatus();
  return InvalidFields(
      "the request",
      {{"request_id", absl::StrCat("has ", id.size(), " bytes; expected 1 to ", kMaxRequestIdBytes,
                                   " that stay the same when the call is made again")}});
}

}  // namespace

grpc::Status DistillationServiceImpl::QuoteDistillationJob(
    grpc::ServerContext*, const v1::QuoteDistillationJobRequest* request, v1::Quote* response) {
  return Answer(parts_.jobs->Quote(request->spec()), response);
}

grpc::Status DistillationServiceImpl::CreateDistillationJob(
    grpc::ServerContext*, const v1::CreateDistillationJobRequest* request,
    v1::DistillationJob* response) {
  if (const absl::Status status = CheckRequestId(request->request_id()); !status.ok()) {
    return rpc::ToGrpc(status);
  }
  return Answer(parts_.jobs->Create(*request), response);
}

grpc::Status DistillationServiceImpl::GetDistillationJob(
    grpc::ServerContext*, const v1::GetDistillationJobRequest* request,
    v1::DistillationJob* response) {
  return Answer(parts_.store->Get(request->id()), response);
}

grpc::Status DistillationServiceImpl::ListDistillationJobs(
    grpc::ServerContext*, const v1::ListDistillationJobsRequest* request,
    v1::ListDistillationJobsResponse* response) {
  auto page = parts_.store->List(request->page_size(), request->page_token());
  if (!page.ok()) return rpc::ToGrpc(page.status());
  for (v1::DistillationJob& job : page->items) *response->add_jobs() = std::move(job);
  response->set_next_page_token(page->next_token);
  return grpc::Status::OK;
}

grpc::Status DistillationServiceImpl::UpdateDistillationJob(
    grpc::ServerContext*, const v1::UpdateDistillationJobRequest* request,
    v1::DistillationJob* response) {
  if (!request->has_ceiling_micro_usd()) {
    return rpc::ToGrpc(InvalidFields(
        "the request", {{"ceiling_micro_usd", "is required: there is nothing else to change"}}));
  }
  if (request->ceiling_micro_usd() < 0) {
    return rpc::ToGrpc(InvalidFields("the request", {{"ceiling_micro_usd", "is negative"}}));
  }
  return Answer(parts_.jobs->UpdateCeiling(request->id(), request->ceiling_micro_usd()), response);
}

grpc::Status DistillationServiceImpl::PauseDistillationJob(
    grpc::ServerContext*, const v1::PauseDistillationJobRequest* request,
    v1::DistillationJob* response) {
  return Answer(parts_.jobs->Pause(request->id()), response);
}

grpc::Status DistillationServiceImpl::ResumeDistillationJob(
    grpc::ServerContext*, const v1::ResumeDistillationJobRequest* request,
    v1::DistillationJob* response) {
  return Answer(parts_.jobs->Resume(request->id()), response);
}

grpc::Status DistillationServiceImpl::CancelDistillationJob(
    grpc::ServerContext*, const v1::CancelDistillationJobRequest* request,
    v1::DistillationJob* response) {
  return Answer(parts_.jobs->Cancel(request->id()), response);
}

absl::Status DistillationServiceImpl::Watch(grpc::ServerContext* context,
                                            const v1::WatchDistillationJobRequest& request,
                                            grpc::ServerWriter<v1::JobEvent>* writer) {
  const absl::Cleanup leave = [this] { --watches_; };
  if (++watches_ > options_.max_watches) {
    return absl::ResourceExhaustedError(
        absl::StrCat("there are ", options_.max_watches, " watches already; try again later"));
  }
  uint64_t cursor = request.cursor();
  while (!context->IsCancelled()) {
    if (stopping_) {
      return absl::UnavailableError(
          absl::StrCat("the gateway is stopping; watch again from cursor ", cursor));
    }
    // Read before the events: when it has ended and no event follows, the last one was sent.
    LIMBECK_ASSIGN_OR_RETURN(const v1::DistillationJob job, parts_.store->Get(request.id()));
    LIMBECK_ASSIGN_OR_RETURN(const std::vector<v1::JobEvent> events,
                             parts_.store->Events(request.id(), cursor, options_.watch_batch));
    for (const v1::JobEvent& event : events) {
      if (!writer->Write(event)) return absl::CancelledError("the client went away");
      cursor = event.cursor();
      if (IsTerminal(event.job().state())) return absl::OkStatus();
    }
    if (!events.empty()) continue;
    if (IsTerminal(job.state())) return absl::OkStatus();
    parts_.store->WaitForEvent(request.id(), cursor, options_.watch_poll);
  }
  return absl::CancelledError("the client went away");
}

grpc::Status DistillationServiceImpl::WatchDistillationJob(
    grpc::ServerContext* context, const v1::WatchDistillationJobRequest* request,
    grpc::ServerWriter<v1::JobEvent>* writer) {
  return rpc::ToGrpc(Watch(context, *request, writer));
}

absl::StatusOr<std::string> DistillationServiceImpl::InvoiceAccount(
    const v1::GetInvoiceRequest& request) const {
  if (request.of_case() == v1::GetInvoiceRequest::kJobId) {
    LIMBECK_RETURN_IF_ERROR(parts_.store->Get(request.job_id()).status());
    return JobAccount(request.job_id());
  }
  if (request.of_case() != v1::GetInvoiceRequest::kTeam) {
    return InvalidFields("the request", {{"of", "is required: a job_id, or a team"}});
  }
  const std::string& month = request.team().month();
  if (!month.empty() && !cache::IsMonth(month)) {
    return InvalidFields("the request", {{"team.month", absl::StrCat("\"", month,
                                                                     "\" is not a month; expected "
                                                                     "YYYY-MM")}});
  }
  if (request.team().name() != parts_.team) {
    return absl::NotFoundError(absl::StrCat("this gateway knows no team \"", request.team().name(),
                                            "\"; its own is \"", parts_.team, "\""));
  }
  const std::string account = cache::TeamAccount(parts_.team);
  return month.empty() ? account : absl::StrCat(account, "/", month);
}

grpc::Status DistillationServiceImpl::GetInvoice(
    grpc::ServerContext*, const v1::GetInvoiceRequest* request,
    grpc::ServerWriter<v1::GetInvoiceResponse>* writer) {
  const absl::StatusOr<std::string> account = InvoiceAccount(*request);
  if (!account.ok()) return rpc::ToGrpc(account.status());
  v1::GetInvoiceResponse part;
  const auto total = parts_.cache->ReadInvoice(*account, [&](const cache::InvoiceEntry& entry) {
    *part.mutable_entry() = cache::ToProto(entry);
    return writer->Write(part) ? absl::OkStatus() : absl::CancelledError("the client went away");
  });
  if (!total.ok()) return rpc::ToGrpc(total.status());
  *part.mutable_total()->mutable_account() = cache::ToProto(total->account);
  part.mutable_total()->set_entries(total->entries);
  writer->Write(part);
  return grpc::Status::OK;
}

grpc::Status DistillationServiceImpl::ListRejections(grpc::ServerContext*,
                                                     const v1::ListRejectionsRequest* request,
                                                     v1::ListRejectionsResponse* response) {
  // An unknown job is an error, not an empty page.
  if (const auto job = parts_.store->Get(request->id()); !job.ok()) {
    return rpc::ToGrpc(job.status());
  }
  auto page =
      parts_.store->ListRejections(request->id(), request->page_size(), request->page_token());
  if (!page.ok()) return rpc::ToGrpc(page.status());
  for (v1::Rejection& rejection : page->items) {
    *response->add_rejections() = std::move(rejection);
  }
  response->set_next_page_token(page->next_token);
  return grpc::Status::OK;
}

grpc::Status DistillationServiceImpl::GetAcceptanceReport(
    grpc::ServerContext*, const v1::GetAcceptanceReportRequest* request,
    v1::AcceptanceReport* response) {
  const auto job = parts_.store->Get(request->id());
  if (!job.ok()) return rpc::ToGrpc(job.status());
  auto report = parts_.store->GetReport(request->id());
  if (!report.ok()) return rpc::ToGrpc(report.status());
  if (!report->has_value()) {
    return rpc::ToGrpc(absl::FailedPreconditionError(
        absl::StrCat("job \"", request->id(), "\" is ", StateName(job->state()),
                     "; the report is there once it has SUCCEEDED")));
  }
  *response = *std::move(*report);
  return grpc::Status::OK;
}

absl::Status DistillationServiceImpl::Download(const std::string& id,
                                               grpc::ServerWriter<v1::ArtifactChunk>* writer) {
  LIMBECK_ASSIGN_OR_RETURN(const v1::DistillationJob job, parts_.store->Get(id));
  // Files may stand there while their report is still on its way.
  if (job.state() != v1::JOB_STATE_SUCCEEDED) {
    return absl::FailedPreconditionError(absl::StrCat("job \"", id, "\" is ",
                                                      StateName(job.state()),
                                                      "; its student is there once it has "
                                                      "SUCCEEDED"));
  }
  return parts_.artifacts->Read(id, [&](const v1::ArtifactChunk& chunk) {
    return writer->Write(chunk) ? absl::OkStatus() : absl::CancelledError("the client went away");
  });
}

grpc::Status DistillationServiceImpl::DownloadStudent(
    grpc::ServerContext*, const v1::DownloadStudentRequest* request,
    grpc::ServerWriter<v1::ArtifactChunk>* writer) {
  return rpc::ToGrpc(Download(request->id(), writer));
}

}  // namespace limbeck::gateway
