#include "cache/client/grpc_cache_client.h"

#include <grpcpp/server_builder.h>
#include <gtest/gtest.h>

#include <atomic>
#include <set>

#include "cache/client/item_stream.h"
#include "limbeck/v1/cache_service.grpc.pb.h"

namespace limbeck::cache {
namespace {

// Does `failures` calls but answers UNAVAILABLE, as when the answer is lost on its way back.
class FlakyCache : public v1::CacheService::Service {
 public:
  grpc::Status Acquire(grpc::ServerContext*, const v1::AcquireRequest* request,
                       v1::AcquireResponse* response) override {
    absl::MutexLock lock(&mu_);
    ids_.insert(request->request_id());
    if (failures_-- > 0) return grpc::Status(grpc::StatusCode::UNAVAILABLE, "cut");
    for (int i = 0; i < request->items_size(); ++i) {
      response->add_results()->mutable_yours()->set_fence(1);
    }
    return grpc::Status::OK;
  }

  grpc::Status StreamPacks(
      grpc::ServerContext*,
      grpc::ServerReaderWriter<v1::StreamPacksResponse, v1::StreamPacksRequest>* stream) override {
    v1::StreamPacksResponse frame;
    frame.set_items("not what the checksum says");
    frame.set_count(1);
    frame.add_positions(0);
    stream->Write(frame);
    return grpc::Status::OK;
  }

  void Fail(int times) {
    absl::MutexLock lock(&mu_);
    failures_ = times;
    ids_.clear();
  }
  std::set<std::string> ids() {
    absl::MutexLock lock(&mu_);
    return ids_;
  }

 private:
  absl::Mutex mu_;
  int failures_ ABSL_GUARDED_BY(mu_) = 0;
  std::set<std::string> ids_ ABSL_GUARDED_BY(mu_);
};

class GrpcCacheClientTest : public testing::Test {
 protected:
  GrpcCacheClientTest() {
    grpc::ServerBuilder builder;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port_);
    builder.RegisterService(&service_);
    server_ = builder.BuildAndStart();
  }

  std::unique_ptr<CacheClient> Client(absl::Duration deadline) {
    CacheClientOptions options;
    options.deadline = deadline;
    options.backoff = {absl::Milliseconds(1), absl::Milliseconds(10)};
    return *NewCacheClient("127.0.0.1:" + std::to_string(port_), {}, options);
  }

  AcquireRequest Request() {
    AcquireRequest request;
    request.domain = "d";
    request.items.resize(1);
    return request;
  }

  FlakyCache service_;
  int port_ = 0;
  std::unique_ptr<grpc::Server> server_;
};

TEST_F(GrpcCacheClientTest, AttemptsOfOneCallShareTheirRequestId) {
  service_.Fail(3);
  const auto client = Client(absl::Seconds(30));
  const auto results = client->Acquire(Request());
  ASSERT_TRUE(results.ok()) << results.status();
  EXPECT_EQ(service_.ids().size(), 1u);
  EXPECT_FALSE(service_.ids().begin()->empty());
  ASSERT_TRUE(client->Acquire(Request()).ok());
  EXPECT_EQ(service_.ids().size(), 2u) << "another call is another attempt";
}

TEST_F(GrpcCacheClientTest, KeepsTheCallersRequestId) {
  service_.Fail(0);
  AcquireRequest request = Request();
  request.request_id = "mine";
  ASSERT_TRUE(Client(absl::Seconds(30))->Acquire(request).ok());
  EXPECT_EQ(service_.ids(), std::set<std::string>{"mine"});
}

TEST_F(GrpcCacheClientTest, GivesUpWithUnavailableAtTheDeadline) {
  service_.Fail(1'000'000);
  EXPECT_EQ(Client(absl::Milliseconds(100))->Acquire(Request()).status().code(),
            absl::StatusCode::kUnavailable);
}

TEST_F(GrpcCacheClientTest, AnUnreachableCacheIsUnavailable) {
  const auto client = Client(absl::Milliseconds(200));
  server_->Shutdown();
  server_.reset();
  EXPECT_EQ(client->Acquire(Request()).status().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(client->Stream(StreamOptions()).status().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(client->CreateSnapshot("d", "", [] { return nullptr; }).status().code(),
            absl::StatusCode::kUnavailable);
}

TEST_F(GrpcCacheClientTest, ADamagedFrameIsDataLoss) {
  const auto stream = Client(absl::Seconds(30))->Stream(StreamOptions());
  ASSERT_TRUE(stream.ok()) << stream.status();
  EXPECT_EQ((*stream)->Next().status().code(), absl::StatusCode::kDataLoss);
}

}  // namespace
}  // namespace limbeck::cache
