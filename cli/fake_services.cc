#include "cli/fake_services.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/grpc/status_codec.h"

namespace limbeck::cli {

grpc::Status FakeDistillation::QuoteDistillationJob(grpc::ServerContext*,
                                                    const v1::QuoteDistillationJobRequest*,
                                                    v1::Quote* response) {
  const absl::MutexLock lock(&mu);
  *response = quote;
  return grpc::Status::OK;
}

grpc::Status FakeDistillation::CreateDistillationJob(
    grpc::ServerContext*, const v1::CreateDistillationJobRequest* request,
    v1::DistillationJob* response) {
  const absl::MutexLock lock(&mu);
  creates.push_back(*request);
  *response = job;
  return rpc::ToGrpc(create_status);
}

grpc::Status FakeDistillation::GetDistillationJob(grpc::ServerContext*,
                                                  const v1::GetDistillationJobRequest*,
                                                  v1::DistillationJob* response) {
  const absl::MutexLock lock(&mu);
  if (job.id().empty()) return rpc::ToGrpc(absl::NotFoundError("there is no such job"));
  *response = job;
  return grpc::Status::OK;
}

grpc::Status FakeDistillation::ListDistillationJobs(grpc::ServerContext*,
                                                    const v1::ListDistillationJobsRequest* request,
                                                    v1::ListDistillationJobsResponse* response) {
  const absl::MutexLock lock(&mu);
  size_t page = 0;
  if (!request->page_token().empty() && !absl::SimpleAtoi(request->page_token(), &page)) {
    return rpc::ToGrpc(absl::InvalidArgumentError("page_token"));
  }
  if (page < pages.size()) *response = pages[page];
  if (page + 1 < pages.size()) response->set_next_page_token(absl::StrCat(page + 1));
  return grpc::Status::OK;
}

grpc::Status FakeDistillation::UpdateDistillationJob(
    grpc::ServerContext*, const v1::UpdateDistillationJobRequest* request,
    v1::DistillationJob* response) {
  const absl::MutexLock lock(&mu);
  updates.push_back(*request);
  *response = job;
  return grpc::Status::OK;
}

grpc::Status FakeDistillation::ResumeDistillationJob(grpc::ServerContext*,
                                                     const v1::ResumeDistillationJobRequest*,
                                                     v1::DistillationJob* response) {
  const absl::MutexLock lock(&mu);
  *response = job;
  return grpc::Status::OK;
}

grpc::Status FakeDistillation::WatchDistillationJob(grpc::ServerContext*,
                                                    const v1::WatchDistillationJobRequest* request,
                                                    grpc::ServerWriter<v1::JobEvent>* writer) {
  WatchScript script;
  {
    const absl::MutexLock lock(&mu);
    watch_cursors.push_back(request->cursor());
    if (watches.empty()) return rpc::ToGrpc(absl::InternalError("no more connections scripted"));
    script = watches.front();
    watches.pop_front();
  }
  for (const auto& event : script.events) writer->Write(event);
  return rpc::ToGrpc(script.status);
}

grpc::Status FakeDistillation::GetInvoice(grpc::ServerContext*,
                                          const v1::GetInvoiceRequest* request,
                                          grpc::ServerWriter<v1::GetInvoiceResponse>* writer) {
  const absl::MutexLock lock(&mu);
  invoice_requests.push_back(*request);
  for (const auto& part : invoice) writer->Write(part);
  return grpc::Status::OK;
}

grpc::Status FakeDistillation::DownloadStudent(grpc::ServerContext*,
                                               const v1::DownloadStudentRequest*,
                                               grpc::ServerWriter<v1::ArtifactChunk>* writer) {
  const absl::MutexLock lock(&mu);
  for (const auto& chunk : chunks) writer->Write(chunk);
  return grpc::Status::OK;
}

grpc::Status FakeDatasets::UploadDataset(grpc::ServerContext*,
                                         grpc::ServerReader<v1::UploadDatasetRequest>* reader,
                                         v1::Dataset* response) {
  const absl::MutexLock lock(&mu);
  ++uploads;
  v1::UploadDatasetRequest request;
  if (!reader->Read(&request) || !request.has_header()) {
    return rpc::ToGrpc(absl::InvalidArgumentError("no header"));
  }
  if (!upload_status.ok()) return rpc::ToGrpc(upload_status);
  const std::string id = "sha256:" + request.header().sha256();
  std::string content;
  while (reader->Read(&request)) content += request.data();
  contents[id] = content;
  response->set_id(id);
  response->set_rows(std::count(content.begin(), content.end(), '\n'));
  return grpc::Status::OK;
}

grpc::Status FakeDatasets::GetDataset(grpc::ServerContext*, const v1::GetDatasetRequest* request,
                                      v1::Dataset* response) {
  const absl::MutexLock lock(&mu);
  if (contents.count(request->id()) == 0) return rpc::ToGrpc(absl::NotFoundError("no dataset"));
  response->set_id(request->id());
  return grpc::Status::OK;
}

grpc::Status FakeTeachers::ListTeachers(grpc::ServerContext*,
                                        const v1::ListTeachersRequest* request,
                                        v1::ListTeachersResponse* response) {
  for (const bool trainable : {true, false}) {
    if (request->trainable_only() && !trainable) continue;
    auto* teacher = response->add_teachers();
    teacher->set_name(trainable ? "open" : "closed");
    teacher->set_trainable(trainable);
    teacher->set_training_use_basis(trainable ? "OPEN_LICENCE" : "");
    teacher->set_training_use_reviewed_on(trainable ? "2026-11-01" : "");
    auto* state = teacher->mutable_state();
    if (!trainable) {
      state->mutable_stop()->set_reason("insufficient_quota");
      state->mutable_stop()->set_message("you have no money left");
      continue;
    }
    teacher->set_sells_by_batch(true);
    teacher->set_batch_price_percent(50);
    teacher->mutable_capability()->set_support(v1::SUPPORT_TOP_K);
    teacher->mutable_capability()->set_max_top_logprobs(20);
    teacher->mutable_capability()->mutable_probe_time()->set_seconds(1'795'478'400);
  }
  return grpc::Status::OK;
}

grpc::Status FakeCache::VerifyCache(grpc::ServerContext*, const v1::VerifyCacheRequest*,
                                    v1::VerifyCacheResponse* response) {
  response->set_records_checked(10);
  response->add_damaged("record 00ff");
  return grpc::Status::OK;
}

FakeServer::FakeServer() {
  auto server = rpc::Server::Start({}, {&distillation, &datasets, &teachers, &cache});
  EXPECT_TRUE(server.ok()) << server.status();
  server_ = *std::move(server);
}

}  // namespace limbeck::cli
