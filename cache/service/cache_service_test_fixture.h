// What the tests of the service and of its streams share: a cache over a real loopback connection,
// with RocksDB in a temporary folder.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/hash.h"
#include "base/metrics/metrics.h"
#include "cache/records/record_codec.h"
#include "cache/service/cache_test_server.h"

namespace limbeck::cache {

inline std::string MakeRecord(const std::string& text) {
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

}  // namespace limbeck::cache
