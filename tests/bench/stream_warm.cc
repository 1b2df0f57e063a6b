// One trainer's stream from one cache server whose packs are in memory: to items as the client
// hands them out, and on to label distributions.
#include <cstdio>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/file.h"
#include "base/status.h"
#include "cache/client/grpc_cache_client.h"
#include "cache/records/label_distribution.h"
#include "cache/records/record_codec.h"
#include "tests/bench/constant_stream.h"
#include "tests/bench/figure.h"
#include "tests/bench/sample_record.h"
#include "tests/support/cluster.h"
#include "tests/support/process.h"

namespace limbeck::bench {
namespace {

constexpr size_t kItems = 8'000;
constexpr size_t kTokens = 64;
constexpr size_t kBatch = 200;
constexpr int kRuns = 5;
constexpr const char* kDomain = "team/bench";

// Buys `kItems` records and freezes them.
absl::StatusOr<cache::SnapshotInfo> FillCache(cache::CacheClient& client) {
  LIMBECK_RETURN_IF_ERROR(client.SetCeiling("job/bench", 1'000'000'000).status());
  std::vector<cache::SnapshotItem> items;
  for (size_t start = 0; start < kItems; start += kBatch) {
    cache::AcquireRequest request{.domain = kDomain, .accounts = {"job/bench"}};
    request.owner = {.gateway = "bench", .incarnation = 1};
    for (size_t i = start; i < start + kBatch; ++i) {
      request.items.push_back({absl::StrCat("query ", i), 20, 10});
    }
    LIMBECK_ASSIGN_OR_RETURN(const auto results, client.Acquire(request));
    std::vector<cache::CommitItem> commits;
    for (size_t i = 0; i < results.size(); ++i) {
      const std::string record = cache::EncodeRecord(SampleOutput(kTokens, 20, start + i));
      commits.push_back({results[i].key, results[i].fence, record, 7});
      items.push_back({{.row_id = absl::StrCat(start + i),
                        .input = "a large wild cat of the forests of southern Asia",
                        .gold = "animal"},
                       {results[i].key}});
    }
    LIMBECK_RETURN_IF_ERROR(client.Commit(kDomain, commits).status());
  }
  size_t next = 0;
  return client.CreateSnapshot(kDomain, "bench",
                               [&]() -> absl::StatusOr<const cache::SnapshotItem*> {
                                 return next < items.size() ? &items[next++] : nullptr;
                               });
}

// What is done with each record.
using Use = std::function<absl::Status(const std::string& record)>;

// Items a second of one pass over the snapshot.
absl::StatusOr<double> StreamOnce(cache::CacheClient& client, const std::string& snapshot,
                                  uint64_t seed, const Use& use) {
  cache::StreamOptions options{.snapshot_id = snapshot, .seed = seed, .global_batch = 64};
  const Stopwatch watch;
  LIMBECK_ASSIGN_OR_RETURN(const auto stream, client.Stream(options));
  size_t items = 0;
  for (;; ++items) {
    absl::StatusOr<cache::StreamItem> item = stream->Next();
    if (absl::IsOutOfRange(item.status())) break;
    if (!item.ok()) return item.status();
    for (const std::string& record : item->records) LIMBECK_RETURN_IF_ERROR(use(record));
  }
  if (items != kItems) return absl::InternalError(absl::StrCat(items, " items came"));
  return static_cast<double>(items) / watch.Seconds();
}

// From a record to numbers.
absl::StatusOr<Use> Decoding() {
  LIMBECK_ASSIGN_OR_RETURN(
      auto labels,
      cache::LabelSet::Create({{"animal"}, {"food"}, {"person"}, {"place"}, {"plant"}}));
  return Use([labels = std::move(labels)](const std::string& record) -> absl::Status {
    LIMBECK_ASSIGN_OR_RETURN(cache::SoftOutput output, cache::DecodeRecord(record));
    std::vector<cache::SoftOutput> outputs;
    outputs.push_back(std::move(output));
    return labels.Distribution(outputs, 0.05).status();
  });
}

// Records a second when there is nothing but decoding.
absl::StatusOr<double> DecodeAlone(const Use& decode) {
  std::vector<std::string> records;
  for (size_t i = 0; i < 500; ++i) {
    records.push_back(cache::EncodeRecord(SampleOutput(kTokens, 20, i)));
  }
  const Stopwatch watch;
  for (const std::string& record : records) LIMBECK_RETURN_IF_ERROR(decode(record));
  return static_cast<double>(records.size()) / watch.Seconds();
}

absl::Status Run() {
  const ScopedTempDirectory dir;
  testing::ProcessOptions constant_options;
  constant_options.program = std::filesystem::read_symlink("/proc/self/exe");
  constant_options.arguments = {"--serve-constant"};
  constant_options.output = dir.path() / "constant.log";
  LIMBECK_ASSIGN_OR_RETURN(const auto constant, testing::Process::Start(constant_options));
  LIMBECK_ASSIGN_OR_RETURN(const std::string port_text,
                           constant->WaitForLine("listening on ", absl::Seconds(20)));
  int port = 0;
  if (!absl::SimpleAtoi(port_text, &port)) return absl::InternalError(port_text);

  testing::ClusterOptions options;
  options.cache_only = true;
  LIMBECK_ASSIGN_OR_RETURN(const auto cluster, testing::Cluster::Start(options));
  LIMBECK_ASSIGN_OR_RETURN(const auto client, cache::NewCacheClient(cluster->cache_target()));
  LIMBECK_ASSIGN_OR_RETURN(const cache::SnapshotInfo snapshot, FillCache(*client));
  const double item_bytes = static_cast<double>(snapshot.bytes) / kItems;
  LIMBECK_ASSIGN_OR_RETURN(const Use decode, Decoding());
  const Use drop = [](const std::string&) { return absl::OkStatus(); };
  LIMBECK_RETURN_IF_ERROR(StreamOnce(*client, snapshot.id, 0, drop).status());  // Warms.

  std::vector<double> grpc;
  std::vector<double> decoding;
  std::vector<double> items;
  std::vector<double> numbers;
  for (int run = 0; run < kRuns; ++run) {
    LIMBECK_ASSIGN_OR_RETURN(const double bytes, ReadConstantStream(port, snapshot.bytes));
    grpc.push_back(bytes / item_bytes);
    LIMBECK_ASSIGN_OR_RETURN(items.emplace_back(), StreamOnce(*client, snapshot.id, run, drop));
    LIMBECK_ASSIGN_OR_RETURN(decoding.emplace_back(), DecodeAlone(decode));
    LIMBECK_ASSIGN_OR_RETURN(numbers.emplace_back(), StreamOnce(*client, snapshot.id, run, decode));
  }
  const std::string size = absl::StrCat("items of ", static_cast<int64_t>(item_bytes), " B");
  Print({.name = "stream_warm",
         .unit = "records/s",
         .runs = items,
         .limit = Median(grpc),
         .limit_is = "gRPC streaming one constant slice of equal bytes; " + size});
  Print({.name = "stream_decoded",
         .unit = "records/s",
         .runs = numbers,
         .limit = std::min(Median(grpc), Median(decoding)),
         .limit_is = "the slower of constant-slice gRPC and decoding alone, one thread; " + size});
  return absl::OkStatus();
}

}  // namespace
}  // namespace limbeck::bench

int main(int argc, char** argv) {
  if (argc > 1 && std::string(argv[1]) == "--serve-constant") {
    return limbeck::bench::ServeConstantStream();
  }
  return limbeck::bench::Main("bench_stream_warm", limbeck::bench::Run);
}
