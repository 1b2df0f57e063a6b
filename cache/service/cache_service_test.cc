// The cache as a whole, over a real loopback connection and RocksDB in a temporary folder.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <thread>

#include "base/grpc/channel.h"
#include "base/hash.h"
#include "cache/records/record_codec.h"
#include "cache/service/cache_test_server.h"
#include "cache/service/frame_source.h"
#include "cache/snapshots/item_codec.h"
#include "limbeck/v1/cache_service.grpc.pb.h"

namespace limbeck::cache {
namespace {

using Kind = AcquireResult::Kind;

std::string MakeRecord(const std::string& text) {
  SoftOutput output;
  output.text = text;
  return EncodeRecord(output);
}

class CacheServiceTest : public testing::Test {
 protected:
  CacheServiceTest() : client_(server_.NewClient()) {
    EXPECT_TRUE(client_->SetCeiling("job/1", 1'000'000).ok());
  }

  AcquireRequest Request(const std::vector<std::string>& queries) {
    AcquireRequest request;
    request.domain = "team/a";
    request.accounts = {"job/1"};
    request.owner = {"gateway-0", 1};
    for (const std::string& query : queries) request.items.push_back({query, 0, 10});
    return request;
  }

  // Buys answers to `count` queries, of about `bytes` each, and freezes them.
  std::string BuySnapshot(size_t count, size_t bytes, const std::string& query = "q") {
    std::vector<std::string> queries;
    for (size_t i = 0; i < count; ++i) queries.push_back(query + std::to_string(i));
    const auto claims = client_->Acquire(Request(queries));
    EXPECT_TRUE(claims.ok()) << claims.status();
    std::vector<CommitItem> commits;
    for (const AcquireResult& claim : *claims) {
      commits.push_back({claim.key, claim.fence, MakeRecord(RandomBytes(bytes)), 7});
    }
    const auto outcomes = client_->Commit("team/a", commits);
    EXPECT_TRUE(outcomes.ok()) << outcomes.status();
    SnapshotItem item;
    size_t next = 0;
    const auto snapshot =
        client_->CreateSnapshot("team/a", "test", [&]() -> absl::StatusOr<const SnapshotItem*> {
          if (next == count) return nullptr;
          item.example.row_id = std::to_string(next);
          item.keys = {(*claims)[next++].key};
          return &item;
        });
    EXPECT_TRUE(snapshot.ok()) << snapshot.status();
    EXPECT_EQ(snapshot->items, count);
    return snapshot->id;
  }

  // Row ids by position of one epoch, read by `world` workers.
  std::vector<std::string> ReadRows(StreamOptions options, uint32_t world) {
    std::map<uint64_t, std::string> rows;
    options.world_size = world;
    for (options.rank = 0; options.rank < world; ++options.rank) {
      auto stream = client_->Stream(options);
      EXPECT_TRUE(stream.ok()) << stream.status();
      while (true) {
        auto item = (*stream)->Next();
        if (!item.ok()) {
          EXPECT_EQ(item.status().code(), absl::StatusCode::kOutOfRange) << item.status();
          break;
        }
        EXPECT_TRUE(DecodeRecord(item->records[0]).ok());
        EXPECT_TRUE(rows.emplace(item->position, item->example.row_id).second);
      }
    }
    std::vector<std::string> in_order;
    for (auto& [position, row] : rows) in_order.push_back(std::move(row));
    return in_order;
  }

  CacheNodeOptions Options() {
    CacheNodeOptions options;
    options.registry = &registry_;
    return options;
  }

  // Over all streams.
  double SentBytes() {
    return registry_.AddCounter("limbeck_cache_stream_bytes_total", "").value();
  }

  metrics::Registry registry_;
  CacheTestServer server_{Options()};
  std::unique_ptr<CacheClient> client_;
};

TEST_F(CacheServiceTest, AcquiresCommitsAndServes) {
  AcquireRequest request = Request({"a", "b"});
  const auto claims = client_->Acquire(request);
  ASSERT_TRUE(claims.ok()) << claims.status();
  ASSERT_EQ((*claims)[0].kind, Kind::kYours);
  EXPECT_EQ((*client_->Acquire(request))[0].kind, Kind::kWait);
  EXPECT_GT((*client_->Acquire(request))[0].retry_after, absl::ZeroDuration());
  const auto committed =
      client_->Commit("team/a", {{(*claims)[0].key, (*claims)[0].fence, MakeRecord("yes"), 7}});
  ASSERT_TRUE(committed.ok()) << committed.status();
  EXPECT_EQ((*committed)[0], CommitOutcome::kStored);
  const auto released = client_->Release(
      "team/a",
      {{(*claims)[1].key, (*claims)[1].fence, ReleaseItem::Reason::kAmbiguous, 0, false, "cut"}});
  ASSERT_TRUE(released.ok()) << released.status();
  EXPECT_EQ((*released)[0], ReleaseOutcome::kReleased);
  request.include_records = true;
  const auto hits = client_->Acquire(request);
  ASSERT_TRUE(hits.ok());
  EXPECT_EQ((*hits)[0].record, MakeRecord("yes"));
  const auto spend = client_->GetSpend({"job/1"});
  ASSERT_TRUE(spend.ok());
  EXPECT_EQ((*spend)[0].spent_micro_usd, 17);
  EXPECT_EQ((*spend)[0].ambiguous_micro_usd, 10);
}

TEST_F(CacheServiceTest, RefusesPastTheCeilingAndBadRequests) {
  ASSERT_TRUE(client_->SetCeiling("job/1", 15).ok());
  const auto results = client_->Acquire(Request({"a", "b"}));
  ASSERT_TRUE(results.ok());
  EXPECT_EQ((*results)[1].kind, Kind::kRefused);
  EXPECT_EQ((*results)[1].refused_account, "job/1");
  EXPECT_EQ((*results)[1].left_micro_usd, 5);
  EXPECT_EQ(client_->Acquire(AcquireRequest()).status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(client_->Commit("team/a", {{(*results)[0].key, (*results)[0].fence, "junk", 1}})
                .status()
                .code(),
            absl::StatusCode::kInvalidArgument);
}

TEST_F(CacheServiceTest, ManyLargeHitsAllComeWithTheirRecords) {
  std::vector<std::string> queries;
  for (int i = 0; i < 40; ++i) queries.push_back(std::to_string(i));
  AcquireRequest request = Request(queries);
  const auto claims = client_->Acquire(request);
  ASSERT_TRUE(claims.ok());
  std::vector<CommitItem> commits;
  for (const AcquireResult& claim : *claims) {
    commits.push_back({claim.key, claim.fence, MakeRecord(RandomBytes(700'000)), 1});
  }
  ASSERT_TRUE(client_->Commit("team/a", commits).ok());
  request.include_records = true;
  const auto hits = client_->Acquire(request);
  ASSERT_TRUE(hits.ok()) << hits.status();
  for (size_t i = 0; i < commits.size(); ++i) EXPECT_EQ((*hits)[i].record, commits[i].record);
}

TEST_F(CacheServiceTest, ASnapshotOfAnAnswerThatIsNotThereIsRefused) {
  SnapshotItem item;
  item.example.row_id = "row-7";
  item.keys = {std::string(32, 'k')};
  int calls = 0;
  const auto snapshot = client_->CreateSnapshot(
      "team/a", "",
      [&]() -> absl::StatusOr<const SnapshotItem*> { return calls++ == 0 ? &item : nullptr; });
  EXPECT_EQ(snapshot.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_NE(std::string(snapshot.status().message()).find("row-7"), std::string::npos);
}

TEST_F(CacheServiceTest, AnyNumberOfWorkersReadsTheSameOrder) {
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

TEST_F(CacheServiceTest, ResumesAtEveryPosition) {
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

TEST_F(CacheServiceTest, EpochsFollowEachOtherInDifferentOrders) {
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

TEST_F(CacheServiceTest, ASlowReaderHoldsUpNobody) {
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

TEST_F(CacheServiceTest, ReadersThatStallHoldNoMoreThanTheirCreditAndAFrame) {
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

TEST_F(CacheServiceTest, FramesOfSmallAndLargeItemsAreWhatTheyClaim) {
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

TEST_F(CacheServiceTest, CancelUnblocksAReader) {
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

TEST_F(CacheServiceTest, ARestartedServerContinuesAtTheCursor) {
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

TEST_F(CacheServiceTest, StreamErrorsNameWhatIsWrong) {
  StreamOptions options;
  options.snapshot_id = std::string(64, 'a');
  EXPECT_EQ((*client_->Stream(options))->Next().status().code(), absl::StatusCode::kNotFound);
  options.snapshot_id = BuySnapshot(3, 10);
  options.rank = 1;
  EXPECT_EQ((*client_->Stream(options))->Next().status().code(),
            absl::StatusCode::kInvalidArgument);
}

TEST_F(CacheServiceTest, FramesAreLargeAndCreditIsKept) {
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

TEST_F(CacheServiceTest, AStreamMustBeginWithOpen) {
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

TEST_F(CacheServiceTest, VerifiesAndCounts) {
  BuySnapshot(20, 1000);
  const auto channel = rpc::NewChannel(server_.target());
  const auto stub = v1::CacheService::NewStub(*channel);
  const auto verify = [&] {
    grpc::ClientContext context;
    v1::VerifyCacheResponse response;
    EXPECT_TRUE(stub->VerifyCache(&context, {}, &response).ok());
    return response;
  };
  EXPECT_EQ(verify().records_checked(), 20u);
  EXPECT_EQ(verify().packs_checked(), 1u);
  EXPECT_EQ(verify().damaged_size(), 0);
  grpc::ClientContext context;
  v1::CacheStats stats;
  ASSERT_TRUE(stub->GetCacheStats(&context, {}, &stats).ok());
  EXPECT_EQ(stats.records(), 20u);
  EXPECT_EQ(stats.snapshots(), 1u);
  for (const auto& file :
       std::filesystem::recursive_directory_iterator(server_.data_dir() / "packs")) {
    if (!file.is_regular_file()) continue;
    ASSERT_TRUE(WriteFileDurably(file.path(), "junk").ok());
  }
  EXPECT_EQ(verify().damaged_size(), 1);
}

TEST_F(CacheServiceTest, CountingClaimsNothing) {
  const auto channel = rpc::NewChannel(server_.target());
  const auto stub = v1::CacheService::NewStub(*channel);
  BuySnapshot(1, 10);
  v1::CountRecordsRequest request;
  request.set_domain("team/a");
  request.add_items()->set_canonical_request("q0");
  request.add_items()->set_canonical_request("new");
  grpc::ClientContext context;
  v1::CountRecordsResponse response;
  ASSERT_TRUE(stub->CountRecords(&context, request, &response).ok());
  EXPECT_TRUE(response.found(0));
  EXPECT_FALSE(response.found(1));
  EXPECT_EQ(response.keys(1).size(), 32u);
  EXPECT_EQ((*client_->GetSpend({"job/1"}))[0].reserved_micro_usd, 0);
}

TEST_F(CacheServiceTest, ListsAmbiguousCallsInPages) {
  const auto claims = client_->Acquire(Request({"a", "b", "c"}));
  std::vector<ReleaseItem> releases;
  for (const AcquireResult& claim : *claims) {
    releases.push_back(
        {claim.key, claim.fence, ReleaseItem::Reason::kAmbiguous, 0, false, "reset"});
  }
  ASSERT_TRUE(client_->Release("team/a", releases).ok());
  const auto channel = rpc::NewChannel(server_.target());
  const auto stub = v1::CacheService::NewStub(*channel);
  v1::ListAmbiguousRequest request;
  request.set_page_size(2);
  size_t seen = 0;
  do {
    grpc::ClientContext context;
    v1::ListAmbiguousResponse response;
    ASSERT_TRUE(stub->ListAmbiguous(&context, request, &response).ok());
    for (const v1::AmbiguousCall& call : response.calls()) {
      EXPECT_EQ(call.key(), (*claims)[seen++].key);
      EXPECT_EQ(call.note(), "reset");
    }
    request.set_page_token(response.next_page_token());
  } while (!request.page_token().empty());
  EXPECT_EQ(seen, 3u);
}

}  // namespace
}  // namespace limbeck::cache
