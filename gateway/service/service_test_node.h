// A gateway on a loopback port with real stores and a scripted teacher, for tests of the services.
// Jobs are checked and stored, but nobody runs them: tests move them.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/file.h"
#include "base/grpc/channel.h"
#include "base/grpc/status_codec.h"
#include "base/http/fake_transport.h"
#include "base/status.h"
#include "base/string_view.h"
#include "gateway/jobs/fault.h"
#include "gateway/jobs/spec_defaults.h"
#include "gateway/jobs/spec_validation.h"
#include "gateway/service/gateway_node.h"

namespace limbeck::gateway {

// JobControl without runners.
class StoredJobs : public JobControl {
 public:
  explicit StoredJobs(const JobContext& context) : context_(context) {}

  absl::StatusOr<v1::Quote> Quote(const v1::JobSpec& spec) override {
    v1::JobSpec filled = spec;
    LIMBECK_RETURN_IF_ERROR(Check(&filled));
    v1::Quote quote;
    quote.set_allowed(true);
    return quote;
  }
  absl::StatusOr<v1::DistillationJob> Create(
      const v1::CreateDistillationJobRequest& request) override {
    v1::JobSpec spec = request.spec();
    LIMBECK_RETURN_IF_ERROR(Check(&spec));
    return context_.store->Create(context_.team, request.request_id(), spec);
  }
  absl::StatusOr<v1::DistillationJob> UpdateCeiling(const std::string& id,
                                                    int64_t micro_usd) override {
    return context_.store->Update(id, [&](v1::DistillationJob* job) {
      job->mutable_spec()->mutable_budget()->set_ceiling_micro_usd(micro_usd);
      return absl::OkStatus();
    });
  }
  absl::StatusOr<v1::DistillationJob> Pause(const std::string& id) override {
    return Move(id, v1::JOB_STATE_PAUSED);
  }
  absl::StatusOr<v1::DistillationJob> Resume(const std::string& id) override {
    return Move(id, v1::JOB_STATE_QUEUED);
  }
  absl::StatusOr<v1::DistillationJob> Cancel(const std::string& id) override {
    return Move(id, v1::JOB_STATE_CANCELLING);
  }
  absl::Status Start() override { return absl::OkStatus(); }
  void Stop() override {}

  absl::StatusOr<v1::DistillationJob> Move(const std::string& id, v1::JobState state) {
    return context_.store->Update(
        id,
        [&](v1::DistillationJob* job) {
          job->set_state(state);
          return absl::OkStatus();
        },
        absl::StrCat("state ", v1::JobState_Name(state)));
  }
  const JobContext& context() const { return context_; }

 private:
  absl::Status Check(v1::JobSpec* spec) const {
    TeacherCatalog catalog;
    for (const auto& [name, teacher] : *context_.teachers) {
      catalog.emplace(name, teacher.facts);
    }
    FillDefaults(catalog, spec);
    const auto train = context_.datasets->Get(spec->data().train().id());
    SpecContext context;
    context.teachers = &catalog;
    context.train = train.ok() ? &*train : nullptr;
    return FaultsToStatus(ValidateSpec(*spec, context));
  }

  const JobContext context_;
};

inline constexpr const char* kTestKey = "sk-key-of-the-test-teacher";

// Aborts the test program when it cannot start, since nothing works without it.
class ServiceTestNode {
 public:
  explicit ServiceTestNode(DistillationServiceOptions distillation = {}) {
    const auto key = directory_.path() / "key";
    Check(WriteFileDurably(key, kTestKey));
    v1::LimbeckConfig config;
    config.set_data_dir((directory_.path() / "data").string());
    config.mutable_gateway()->set_address("127.0.0.1:0");
    v1::TeacherConfig* teacher = config.add_teachers();
    teacher->set_name("open");
    teacher->set_kind("openai");
    teacher->set_base_url("https://teacher.example/v1");
    teacher->set_model("m");
    teacher->mutable_key()->set_file(key.string());
    teacher->set_output_micro_usd_per_million(1'000'000);
    teacher->mutable_batch();
    teacher->mutable_training_use()->set_basis(v1::TrainingUse::BASIS_OWN_MODEL);
    teacher->mutable_training_use()->set_evidence("ours");
    teacher->mutable_training_use()->set_reviewed_on("2026-11-24");
    v1::TeacherConfig* closed = config.add_teachers();
    *closed = *teacher;
    closed->set_name("closed");
    closed->clear_training_use();
    GatewayNodeOptions options;
    options.transport = &transport_;
    options.distillation = distillation;
    options.jobs =
        [this](const JobContext& context) -> absl::StatusOr<std::unique_ptr<JobControl>> {
      auto jobs = std::make_unique<StoredJobs>(context);
      jobs_ = jobs.get();
      return jobs;
    };
    auto node = GatewayNode::Start(config, nullptr, options);
    Check(node.status());
    node_ = *std::move(node);
    channel_ = rpc::NewChannel(node_->local_target()).value();
  }

  GatewayNode& node() { return *node_; }
  StoredJobs& jobs() { return *jobs_; }
  http::FakeTransport& transport() { return transport_; }
  std::shared_ptr<grpc::Channel> channel() const { return channel_; }

 private:
  static void Check(const absl::Status& status) {
    if (status.ok()) return;
    std::fprintf(stderr, "%s\n", status.ToString().c_str());
    std::abort();
  }

  const ScopedTempDirectory directory_;
  http::FakeTransport transport_;
  StoredJobs* jobs_ = nullptr;  // The node's.
  std::unique_ptr<GatewayNode> node_;
  std::shared_ptr<grpc::Channel> channel_;
};

// A call's status as the client sees it, details included.
template <typename Request, typename Response, typename Stub>
absl::Status Call(Stub& stub,
                  grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Response*),
                  const Request& request, Response* response) {
  grpc::ClientContext context;
  return rpc::FromGrpc((stub.*method)(&context, request, response));
}

// Uploads `content`, claiming `sha256`, in pieces of `piece` bytes.
inline absl::StatusOr<v1::Dataset> Upload(const std::shared_ptr<grpc::Channel>& channel,
                                          const std::string& content, const std::string& sha256,
                                          size_t piece = 16) {
  const auto stub = v1::DatasetService::NewStub(channel);
  grpc::ClientContext context;
  v1::Dataset dataset;
  const auto writer = stub->UploadDataset(&context, &dataset);
  v1::UploadDatasetRequest request;
  request.mutable_header()->set_sha256(sha256);
  request.mutable_header()->set_format(v1::DATASET_FORMAT_JSONL);
  request.mutable_header()->set_display_name("rows.jsonl");
  writer->Write(request);
  for (size_t at = 0; at < content.size(); at += piece) {
    request.set_data(content.substr(at, piece));
    if (!writer->Write(request)) break;
  }
  writer->WritesDone();
  const absl::Status status = rpc::FromGrpc(writer->Finish());
  if (!status.ok()) return status;
  return dataset;
}

}  // namespace limbeck::gateway
