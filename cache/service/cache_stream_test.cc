// Streams: their order, their frames, their credit, and how they end.
#include <algorithm>
#include <thread>

#include "base/grpc/channel.h"
#include "cache/service/cache_service_test_fixture.h"
#include "cache/service/frame_source.h"
#include "cache/snapshots/item_codec.h"
#include "limbeck/v1/cache_service.grpc.pb.h"

namespace limbeck::cache {
namespace {

using CacheStreamTest = CacheServiceTest;

TEST_F(CacheStreamTest, AnyNumberOfWorkersReadsTheSameOrder) {
  StreamOptions options;
  options.snapshot_id = BuySnapshot(500, 30'000);
  EXPECT_EQ(client_->GetSnapshot(options.snapshot_id)->items, 500u);
  options.global_batch = 16;
  const std::vector<std::string> expected = ReadRows(options, 1);
  ASSERT_EQ(expected.size(), 500u);
  for (const uint32_t world : {2, 3, 5, 8}) EXPECT_EQ(ReadRows(options, world), expected) << world;
  options.seed = 2;
  EXPECT_NE(ReadRows(options, 1), expected);
  options.sequential = true;
  EXPECT_EQ(ReadRows(options, 3)[499], "499");
}

TEST_F(CacheStreamTest, ResumesAtEveryPosition) {
  StreamOptions options;
  options.snapshot_id = BuySnapshot(60, 100);
  const std::vector<std::string> expected = ReadRows(options, 1);
  for (uint64_t position = 0; position < expected.size(); ++position) {
    options.position = position;
    EXPECT_EQ(ReadRows(options, 1),
              std::vector<std::string>(expected.begin() + static_cast<int64_t>(position),
                                       expected.end()));
  }
}

TEST_F(CacheStreamTest, EpochsFollowEachOtherInDifferentOrders) {
  StreamOptions options;
  options.snapshot_id = BuySnapshot(50, 100);
  options.epochs = 2;
  auto stream = client_->Stream(options);
  ASSERT_TRUE(stream.ok());
  std::vector<std::string> epochs[2];
  for (int i = 0; i < 100; ++i) {
    const auto item = (*stream)->Next();
    ASSERT_TRUE(item.ok()) << item.status();
    epochs[item->epoch].push_back(item->example.row_id);
  }
  EXPECT_EQ((*stream)->Next().status().code(), absl::StatusCode::kOutOfRange);
  EXPECT_NE(epochs[0], epochs[1]);
  EXPECT_TRUE(
      std::is_permutation(epochs[0].begin(), epochs[0].end(), epochs[1].begin(), epochs[1].end()));
}

TEST_F(CacheStreamTest, ASlowReaderHoldsUpNobody) {
  StreamOptions options;
  options.snapshot_id = BuySnapshot(300, 50'000);
  options.epochs = 0;
  options.window_bytes = 1;
  const auto slow = client_->Stream(options);
  ASSERT_TRUE(slow.ok());
  ASSERT_TRUE((*slow)->Next().ok());
  options.epochs = 1;
  options.window_bytes = 4u << 20;
  EXPECT_EQ(ReadRows(options, 1).size(), 300u);
  ASSERT_TRUE((*slow)->Next().ok());
}

TEST_F(CacheStreamTest, ReadersThatStallHoldNoMoreThanTheirCreditAndAFrame) {
  constexpr size_t kStalled = 6;
  constexpr size_t kWindow = 600'000;
  StreamOptions options;
  options.snapshot_id = BuySnapshot(300, 50'000);
  options.epochs = 0;
  options.window_bytes = kWindow;
  std::vector<std::unique_ptr<ItemStream>> stalled;
  for (size_t i = 0; i < kStalled; ++i) {
    auto stream = client_->Stream(options);
    ASSERT_TRUE(stream.ok());
    ASSERT_TRUE((*stream)->Next().ok());
    stalled.push_back(*std::move(stream));
  }
  // Others get through whole epochs meanwhile.
  options.epochs = 1;
  options.window_bytes = 4u << 20;
  for (int i = 0; i < 3; ++i) EXPECT_EQ(ReadRows(options, 2).size(), 300u);
  const double read = 3.0 * 300 * 50'000;
  EXPECT_GE(SentBytes(), read);
  EXPECT_LE(SentBytes(), 1.1 * read + kStalled * (kWindow + kMaxFrameBytes));
  for (const auto& stream : stalled) ASSERT_TRUE(stream->Next().ok());
}

TEST_F(CacheStreamTest, FramesOfSmallAndLargeItemsAreWhatTheyClaim) {
  for (const size_t bytes : {10, 1'500, 2'500, 40'000}) {
    v1::StreamPacksRequest request;
    request.mutable_open()->set_snapshot_id(BuySnapshot(100, bytes, std::to_string(bytes)));
    request.mutable_open()->set_global_batch(1);
    request.mutable_open()->set_world_size(1);
    request.mutable_open()->set_epochs(1);
    const auto channel = rpc::NewChannel(server_.target());
    const auto stub = v1::CacheService::NewStub(*channel);
    grpc::ClientContext context;
    const auto stream = stub->StreamPacks(&context);
    stream->Write(request);
    v1::StreamPacksResponse frame;
    uint64_t position = 0;
    while (stream->Read(&frame)) {
      EXPECT_EQ(frame.position(), position);
      EXPECT_EQ(frame.checksum(), Xxh3(frame.items()));
      ASSERT_EQ(static_cast<uint32_t>(frame.positions_size()), frame.count());
      std::string_view items = frame.items();
      for (const uint64_t each : frame.positions()) {
        EXPECT_EQ(each, position++);
        EXPECT_TRUE(DecodeItem(&items).ok());
      }
      EXPECT_TRUE(items.empty());
    }
    EXPECT_EQ(position, 100u);
    EXPECT_TRUE(stream->Finish().ok());
  }
}

TEST_F(CacheStreamTest, CancelUnblocksAReader) {
  StreamOptions options;
  options.snapshot_id = BuySnapshot(300, 50'000);
  options.epochs = 0;
  const auto stream = client_->Stream(options);
  ASSERT_TRUE(stream.ok());
  std::thread canceller([&] { (*stream)->Cancel(); });
  absl::Status status;
  while (status.ok()) status = (*stream)->Next().status();
  EXPECT_EQ(status.code(), absl::StatusCode::kCancelled);
  canceller.join();
}

TEST_F(CacheStreamTest, ARestartedServerContinuesAtTheCursor) {
  StreamOptions options;
  options.snapshot_id = BuySnapshot(300, 50'000);
  const std::vector<std::string> expected = ReadRows(options, 1);
  std::vector<std::string> rows;
  int restarts = 0;
  options.window_bytes = 600'000;
  while (rows.size() < expected.size()) {
    options.position = rows.size();
    auto stream = client_->Stream(options);
    ASSERT_TRUE(stream.ok()) << stream.status();
    while (true) {
      const auto item = (*stream)->Next();
      if (!item.ok()) {
        const bool fine = absl::IsUnavailable(item.status()) || absl::IsOutOfRange(item.status());
        EXPECT_TRUE(fine) << item.status();
        break;
      }
      EXPECT_EQ(item->position, rows.size());
      rows.push_back(item->example.row_id);
      if (rows.size() % 70 == 30 && restarts < 3) {
        ++restarts;
        server_.Stop();
        server_.Start();
      }
    }
  }
  EXPECT_EQ(restarts, 3);
  EXPECT_EQ(rows, expected);
}

TEST_F(CacheStreamTest, StreamErrorsNameWhatIsWrong) {
  StreamOptions options;
  options.snapshot_id = std::string(64, 'a');
  EXPECT_EQ((*client_->Stream(options))->Next().status().code(), absl::StatusCode::kNotFound);
  options.snapshot_id = BuySnapshot(3, 10);
  options.rank = 1;
  EXPECT_EQ((*client_->Stream(options))->Next().status().code(),
            absl::StatusCode::kInvalidArgument);
}

TEST_F(CacheStreamTest, FramesAreLargeAndCreditIsKept) {
  v1::StreamPacksRequest request;
  request.mutable_open()->set_snapshot_id(BuySnapshot(200, 50'000));
  request.mutable_open()->set_global_batch(1);
  request.mutable_open()->set_world_size(1);
  request.mutable_open()->set_epochs(1);
  request.mutable_open()->set_initial_credit_bytes(600'000);
  const auto channel = rpc::NewChannel(server_.target());
  ASSERT_TRUE(channel.ok());
  const auto stub = v1::CacheService::NewStub(*channel);
  grpc::ClientContext context;
  const auto stream = stub->StreamPacks(&context);
  stream->Write(request);
  v1::StreamPacksResponse frame;
  size_t bytes = 0;
  while (bytes < 600'000) {
    ASSERT_TRUE(stream->Read(&frame));
    EXPECT_GE(frame.items().size(), 256u << 10);
    EXPECT_LE(frame.items().size(), 1u << 20);
    bytes += frame.items().size();
  }
  // The credit is spent: when the reader's side is closed, nothing but the end can follow.
  stream->WritesDone();
  EXPECT_FALSE(stream->Read(&frame));
  EXPECT_EQ(stream->Finish().error_code(), grpc::StatusCode::FAILED_PRECONDITION);
}

TEST_F(CacheStreamTest, AStreamMustBeginWithOpen) {
  const auto channel = rpc::NewChannel(server_.target());
  const auto stub = v1::CacheService::NewStub(*channel);
  v1::StreamPacksRequest request;
  request.set_credit_bytes(5);
  grpc::ClientContext context;
  const auto stream = stub->StreamPacks(&context);
  stream->Write(request);
  v1::StreamPacksResponse frame;
  EXPECT_FALSE(stream->Read(&frame));
  EXPECT_EQ(stream->Finish().error_code(), grpc::StatusCode::INVALID_ARGUMENT);
}

}  // namespace
}  // namespace limbeck::cache
