// Durable commits a second with 32 writers, one record a call over loopback gRPC, against synced
// RocksDB puts of the same bytes by as many threads in this process.
#include <grpcpp/grpcpp.h>
#include <rocksdb/db.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/status.h"
#include "cache/records/record_codec.h"
#include "limbeck/v1/cache_service.grpc.pb.h"
#include "tests/bench/figure.h"
#include "tests/bench/sample_record.h"
#include "tests/bench/writers.h"
#include "tests/support/cluster.h"

namespace limbeck::bench {
namespace {

constexpr size_t kWriters = 32;
constexpr size_t kPerWriter = 400;
constexpr int kRuns = 3;
constexpr const char* kDomain = "team/bench";
constexpr const char* kAccount = "job/bench";

absl::Status ToStatus(const grpc::Status& status) {
  if (status.ok()) return absl::OkStatus();
  return absl::Status(static_cast<absl::StatusCode>(status.error_code()), status.error_message());
}

using Claims = std::vector<std::vector<v1::CommitRequest>>;

// Claims that the timed part commits: one request a writer and record.
absl::StatusOr<Claims> AcquireAll(v1::CacheService::Stub& stub, const std::string& record,
                                  int run) {
  Claims claims(kWriters);
  for (size_t writer = 0; writer < kWriters; ++writer) {
    v1::AcquireRequest request;
    request.set_domain(kDomain);
    request.add_accounts(kAccount);
    request.mutable_owner()->set_gateway("bench");
    request.mutable_owner()->set_incarnation(1);
    for (size_t i = 0; i < kPerWriter; ++i) {
      v1::AcquireItem* item = request.add_items();
      item->set_canonical_request(absl::StrCat("run ", run, " ", writer, " ", i));
      item->set_top_logprobs(20);
      item->set_reserve_micro_usd(10);
    }
    grpc::ClientContext context;
    v1::AcquireResponse response;
    LIMBECK_RETURN_IF_ERROR(ToStatus(stub.Acquire(&context, request, &response)));
    for (const v1::AcquireResult& result : response.results()) {
      if (!result.has_yours()) return absl::InternalError(result.ShortDebugString());
      v1::CommitRequest commit;
      commit.set_domain(kDomain);
      v1::CommitItem* item = commit.add_items();
      item->set_key(result.key());
      item->set_fence(result.yours().fence());
      item->set_record(record);
      item->set_actual_micro_usd(7);
      claims[writer].push_back(std::move(commit));
    }
  }
  return claims;
}

absl::StatusOr<double> TimeCommits(v1::CacheService::Stub& stub, const Claims& claims) {
  return TimeWriters(kWriters, kPerWriter, [&](size_t writer, size_t i) {
    grpc::ClientContext context;
    v1::CommitResponse response;
    return ToStatus(stub.Commit(&context, claims[writer][i], &response));
  });
}

absl::StatusOr<double> TimePuts(rocksdb::DB& db, const std::string& record, int run) {
  rocksdb::WriteOptions synced;
  synced.sync = true;
  return TimeWriters(kWriters, kPerWriter, [&](size_t writer, size_t i) {
    const std::string key = Sha256(absl::StrCat(run, " ", writer, " ", i));
    const rocksdb::Status status = db.Put(synced, key, record);
    return status.ok() ? absl::OkStatus() : absl::InternalError(status.ToString());
  });
}

absl::Status Run() {
  testing::ClusterOptions options;
  options.cache_only = true;
  LIMBECK_ASSIGN_OR_RETURN(auto cluster, testing::Cluster::Start(options));
  auto stub = v1::CacheService::NewStub(
      grpc::CreateChannel(cluster->cache_target(), grpc::InsecureChannelCredentials()));
  grpc::ClientContext context;
  v1::SetCeilingRequest ceiling;
  ceiling.set_account(kAccount);
  ceiling.set_ceiling_micro_usd(1'000'000'000);
  v1::Account account;
  LIMBECK_RETURN_IF_ERROR(ToStatus(stub->SetCeiling(&context, ceiling, &account)));

  const ScopedTempDirectory dir;
  rocksdb::Options rocksdb_options;
  rocksdb_options.create_if_missing = true;
  rocksdb::DB* opened = nullptr;
  const rocksdb::Status open =
      rocksdb::DB::Open(rocksdb_options, (dir.path() / "db").string(), &opened);
  if (!open.ok()) return absl::InternalError(open.ToString());
  const std::unique_ptr<rocksdb::DB> db(opened);

  const std::string record = cache::EncodeRecord(SampleOutput(64, 20, 1));
  Figure figure;
  figure.name = "commit_durable";
  figure.unit = "commits/s";
  std::vector<double> puts;
  for (int run = 0; run < kRuns; ++run) {
    LIMBECK_ASSIGN_OR_RETURN(const double put, TimePuts(*db, record, run));
    puts.push_back(put);
    LIMBECK_ASSIGN_OR_RETURN(const Claims claims, AcquireAll(*stub, record, run));
    LIMBECK_ASSIGN_OR_RETURN(const double commits, TimeCommits(*stub, claims));
    figure.runs.push_back(commits);
  }
  figure.limit = Median(puts);
  figure.limit_is = absl::StrCat("synced RocksDB puts of the same ", record.size(),
                                 " B by as many threads, in process");
  Print(figure);
  return absl::OkStatus();
}

}  // namespace
}  // namespace limbeck::bench

int main() { return limbeck::bench::Main("bench_commit_durable", limbeck::bench::Run); }
