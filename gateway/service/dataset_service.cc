#include "gateway/service/dataset_service.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "base/grpc/status_codec.h"
#include "base/status.h"

namespace limbeck::gateway {
namespace {

constexpr size_t kMaxDataBytes = 1u << 20;

}  // namespace

absl::StatusOr<v1::Dataset> DatasetServiceImpl::Upload(
    grpc::ServerContext* context, grpc::ServerReader<v1::UploadDatasetRequest>* reader) {
  v1::UploadDatasetRequest request;
  if (!reader->Read(&request) || !request.has_header()) {
    return absl::InvalidArgumentError("the first message of an upload must be its header");
  }
  LIMBECK_ASSIGN_OR_RETURN(const auto upload, store_->Begin(request.header()));
  while (reader->Read(&request)) {
    if (request.part_case() != v1::UploadDatasetRequest::kData) {
      return absl::InvalidArgumentError("messages after the header must hold data");
    }
    if (request.data().size() > kMaxDataBytes) {
      return absl::InvalidArgumentError(absl::StrCat("a message holds ", request.data().size(),
                                                     " bytes; at most ", kMaxDataBytes));
    }
    LIMBECK_RETURN_IF_ERROR(upload->Append(request.data()));
  }
  // A read also ends when the client goes away.
  if (context->IsCancelled()) return absl::CancelledError("the upload was cut off");
  return upload->Finish();
}

grpc::Status DatasetServiceImpl::UploadDataset(grpc::ServerContext* context,
                                               grpc::ServerReader<v1::UploadDatasetRequest>* reader,
                                               v1::Dataset* response) {
  auto dataset = Upload(context, reader);
  if (!dataset.ok()) return rpc::ToGrpc(dataset.status());
  *response = *std::move(dataset);
  return grpc::Status::OK;
}

grpc::Status DatasetServiceImpl::GetDataset(grpc::ServerContext*,
                                            const v1::GetDatasetRequest* request,
                                            v1::Dataset* response) {
  auto dataset = store_->Get(request->id());
  if (!dataset.ok()) return rpc::ToGrpc(dataset.status());
  *response = *std::move(dataset);
  return grpc::Status::OK;
}

grpc::Status DatasetServiceImpl::ListDatasets(grpc::ServerContext*,
                                              const v1::ListDatasetsRequest* request,
                                              v1::ListDatasetsResponse* response) {
  auto page = store_->List(request->page_size(), request->page_token());
  if (!page.ok()) return rpc::ToGrpc(page.status());
  for (v1::Dataset& dataset : page->items) *response->add_datasets() = std::move(dataset);
  response->set_next_page_token(page->next_token);
  return grpc::Status::OK;
}

}  // namespace limbeck::gateway
