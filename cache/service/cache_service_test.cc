// The cache as a whole.
#include "base/grpc/channel.h"
#include "cache/service/cache_service_test_fixture.h"
#include "limbeck/v1/cache_service.grpc.pb.h"

namespace limbeck::cache {
namespace {

using Kind = AcquireResult::Kind;

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
