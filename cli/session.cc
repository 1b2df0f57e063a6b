#include "cli/session.h"

#include "base/grpc/channel.h"
#include "base/secret.h"
#include "base/status.h"

namespace limbeck::cli {

absl::StatusOr<std::shared_ptr<grpc::Channel>> Session::Connect(const std::string& target) const {
  rpc::ChannelOptions options;
  // What creates things carries a client request id.
  options.try_again = true;
  options.tls = !options_.ca_file.empty();
  options.tls_ca_file = options_.ca_file;
  if (!options_.token_file.empty()) {
    LIMBECK_ASSIGN_OR_RETURN(options.token, Secret::FromFile(options_.token_file));
  }
  return rpc::NewChannel(target, options);
}

absl::StatusOr<std::shared_ptr<grpc::Channel>> Session::Gateway() {
  if (gateway_ == nullptr) {
    LIMBECK_ASSIGN_OR_RETURN(gateway_, Connect(options_.server));
  }
  return gateway_;
}

absl::StatusOr<v1::DistillationService::Stub*> Session::Jobs() {
  if (jobs_ == nullptr) {
    LIMBECK_ASSIGN_OR_RETURN(auto channel, Gateway());
    jobs_ = v1::DistillationService::NewStub(channel);
  }
  return jobs_.get();
}

absl::StatusOr<v1::DatasetService::Stub*> Session::Datasets() {
  if (datasets_ == nullptr) {
    LIMBECK_ASSIGN_OR_RETURN(auto channel, Gateway());
    datasets_ = v1::DatasetService::NewStub(channel);
  }
  return datasets_.get();
}

absl::StatusOr<v1::TeacherService::Stub*> Session::Teachers() {
  if (teachers_ == nullptr) {
    LIMBECK_ASSIGN_OR_RETURN(auto channel, Gateway());
    teachers_ = v1::TeacherService::NewStub(channel);
  }
  return teachers_.get();
}

absl::StatusOr<v1::CacheService::Stub*> Session::Cache() {
  if (cache_ == nullptr) {
    LIMBECK_ASSIGN_OR_RETURN(auto channel, Connect(options_.cache));
    cache_ = v1::CacheService::NewStub(channel);
  }
  return cache_.get();
}

}  // namespace limbeck::cli
