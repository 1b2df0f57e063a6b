#include "gateway/coordination/worker_service.h"

#include <grpcpp/create_channel.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <thread>

#include "base/grpc/server.h"

namespace limbeck::gateway {
namespace {

class SilentObserver : public TrainingObserver {
 public:
  absl::StatusOr<uint64_t> NextGeneration() override { return ++generation; }
  void OnWaiting(uint32_t, uint32_t) override {}
  void OnGroupFormed(uint64_t, uint32_t) override {}
  void OnGroupLost(uint64_t, const std::string&) override {}
  void OnProgress(const v1::WorkRequest::TrainProgress&, uint32_t) override {}
  absl::Status OnArtifact(uint64_t, const v1::ArtifactChunk& chunk) override {
    bytes += chunk.data().size();
    return absl::OkStatus();
  }
  absl::Status OnReport(uint64_t, const v1::AcceptanceReport&) override { return absl::OkStatus(); }
  uint64_t generation = 0;
  size_t bytes = 0;
};

class WorkerServiceTest : public testing::Test {
 protected:
  WorkerServiceTest() : coordinator_(Options(), Clock::Real()), service_(&coordinator_) {
    auto server = rpc::Server::Start({}, {&service_});
    EXPECT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
    stub_ = v1::WorkerService::NewStub(
        grpc::CreateChannel(server_->local_target(), grpc::InsecureChannelCredentials()));
  }
  ~WorkerServiceTest() override {
    coordinator_.Shutdown();
    server_->Shutdown(absl::Seconds(5));
  }
  static CoordinatorOptions Options() {
    CoordinatorOptions options;
    options.version = "1";
    options.group_linger = absl::ZeroDuration();
    options.heartbeat = absl::Milliseconds(50);
    options.missed_heartbeats = 1000;
    return options;
  }

  Coordinator coordinator_;
  WorkerService service_;
  std::unique_ptr<rpc::Server> server_;
  std::unique_ptr<v1::WorkerService::Stub> stub_;
};

TEST_F(WorkerServiceTest, CarriesAWholeTrainingOverOneStream) {
  grpc::ClientContext context;
  auto stream = stub_->Work(&context);
  v1::WorkRequest request;
  request.mutable_register_()->set_worker_id("w");
  request.mutable_register_()->set_version("1");
  ASSERT_TRUE(stream->Write(request));
  v1::WorkResponse response;
  ASSERT_TRUE(stream->Read(&response));
  EXPECT_EQ(response.registered().heartbeat_ms(), 50u);

  SilentObserver observer;
  StopSignal stop;
  TrainingTask task;
  task.job_id = "job-1";
  absl::Status trained;
  std::thread training([&] { trained = coordinator_.Train(task, &observer, &stop); });
  const auto next = [&] {
    do {
      EXPECT_TRUE(stream->Read(&response));
    } while (response.has_heartbeat());
  };
  next();
  ASSERT_TRUE(response.has_assignment());
  const uint64_t generation = response.assignment().generation();
  for (int i = 0; i < 20; ++i) {
    v1::WorkRequest piece;
    piece.mutable_artifact()->set_generation(generation);
    piece.mutable_artifact()->mutable_chunk()->set_data(std::string(1 << 20, 'x'));
    ASSERT_TRUE(stream->Write(piece));
  }
  v1::WorkRequest report;
  report.mutable_report()->set_generation(generation);
  ASSERT_TRUE(stream->Write(report));
  next();
  EXPECT_TRUE(response.has_report_stored());
  v1::WorkRequest ended;
  ended.mutable_ended()->set_generation(generation);
  ended.mutable_ended()->set_outcome(v1::WorkRequest::Ended::OUTCOME_DONE);
  ASSERT_TRUE(stream->Write(ended));
  training.join();
  EXPECT_TRUE(trained.ok()) << trained;
  EXPECT_EQ(observer.bytes, 20u << 20);
  stream->WritesDone();
  while (stream->Read(&response)) {
  }
  EXPECT_TRUE(stream->Finish().ok());
}

TEST_F(WorkerServiceTest, FirstMessageMustRegister) {
  grpc::ClientContext context;
  auto stream = stub_->Work(&context);
  v1::WorkRequest request;
  request.mutable_heartbeat();
  stream->Write(request);
  v1::WorkResponse response;
  EXPECT_FALSE(stream->Read(&response));
  EXPECT_EQ(stream->Finish().error_code(), grpc::StatusCode::INVALID_ARGUMENT);
}

TEST_F(WorkerServiceTest, ClosedStreamIsALostWorker) {
  {
    grpc::ClientContext context;
    auto stream = stub_->Work(&context);
    v1::WorkRequest request;
    request.mutable_register_()->set_worker_id("w");
    request.mutable_register_()->set_version("1");
    ASSERT_TRUE(stream->Write(request));
    v1::WorkResponse response;
    ASSERT_TRUE(stream->Read(&response));
    EXPECT_EQ(coordinator_.workers(), 1u);
    context.TryCancel();
    stream->Finish();
  }
  // The same id may come back at once.
  grpc::ClientContext context;
  auto stream = stub_->Work(&context);
  v1::WorkRequest request;
  request.mutable_register_()->set_worker_id("w");
  request.mutable_register_()->set_version("1");
  ASSERT_TRUE(stream->Write(request));
  v1::WorkResponse response;
  ASSERT_TRUE(stream->Read(&response));
  EXPECT_TRUE(response.has_registered());
}

}  // namespace
}  // namespace limbeck::gateway
