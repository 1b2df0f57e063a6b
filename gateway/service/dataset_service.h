// limbeck.v1.DatasetService over the dataset store.
#pragma once

#include "absl/status/statusor.h"
#include "gateway/jobs/dataset_store.h"
#include "limbeck/v1/dataset_service.grpc.pb.h"

namespace limbeck::gateway {

class DatasetServiceImpl final : public v1::DatasetService::Service {
 public:
  // `store` is borrowed.
  explicit DatasetServiceImpl(DatasetStore* store) : store_(store) {}

  grpc::Status UploadDataset(grpc::ServerContext* context,
                             grpc::ServerReader<v1::UploadDatasetRequest>* reader,
                             v1::Dataset* response) override;
  grpc::Status GetDataset(grpc::ServerContext* context, const v1::GetDatasetRequest* request,
                          v1::Dataset* response) override;
  grpc::Status ListDatasets(grpc::ServerContext* context, const v1::ListDatasetsRequest* request,
                            v1::ListDatasetsResponse* response) override;

 private:
  absl::StatusOr<v1::Dataset> Upload(grpc::ServerContext* context,
                                     grpc::ServerReader<v1::UploadDatasetRequest>* reader);

  DatasetStore* const store_;
};

}  // namespace limbeck::gateway
