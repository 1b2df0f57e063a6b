// Durable commits a second with 32 writers, one record a call, against synced RocksDB puts of the
// same bytes by as many threads: over loopback gRPC (commit_durable), and by the ledger alone in
// this process (commit_ledger), which shows what the ledger costs and what the calls do.
#include <grpcpp/grpcpp.h>
#include <rocksdb/db.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/kv/open.h"
#include "base/status.h"
#include "cache/ledger/ledger.h"
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

absl::StatusOr<std::unique_ptr<rocksdb::DB>> OpenRocksdb(const std::filesystem::path& path) {
  rocksdb::Options options;
  options.create_if_missing = true;
  rocksdb::DB* opened = nullptr;
  const rocksdb::Status status = rocksdb::DB::Open(options, path.string(), &opened);
  if (!status.ok()) return absl::InternalError(status.ToString());
  return std::unique_ptr<rocksdb::DB>(opened);
}

// The ledger in this process, with the engine's settings as limbeck-cache has them.
class LocalLedger {
 public:
  static absl::StatusOr<std::unique_ptr<LocalLedger>> Open(const std::filesystem::path& path) {
    auto local = std::make_unique<LocalLedger>();
    kv::OpenOptions options;
    options.path = path.string();
    options.tables = cache::LedgerTables();
    LIMBECK_ASSIGN_OR_RETURN(local->engine_, kv::Open(options));
    LIMBECK_ASSIGN_OR_RETURN(local->ledger_,
                             cache::Ledger::Open(local->engine_.get(), Clock::Real(), {}));
    LIMBECK_RETURN_IF_ERROR(local->ledger_->SetCeiling(kAccount, 1'000'000'000).status());
    return local;
  }

  absl::StatusOr<double> TimeCommits(const std::string& record, int run) {
    std::vector<std::vector<cache::CommitItem>> items(kWriters);
    for (size_t writer = 0; writer < kWriters; ++writer) {
      cache::AcquireRequest request{.domain = kDomain, .accounts = {kAccount}};
      request.owner = {.gateway = "bench", .incarnation = 1};
      for (size_t i = 0; i < kPerWriter; ++i) {
        request.items.push_back({absl::StrCat("run ", run, " ", writer, " ", i), 20, 10});
      }
      LIMBECK_ASSIGN_OR_RETURN(const auto results, ledger_->Acquire(request));
      for (const cache::AcquireResult& result : results) {
        items[writer].push_back({result.key, result.fence, record, 7});
      }
    }
    return TimeWriters(kWriters, kPerWriter, [&](size_t writer, size_t i) {
      return ledger_->Commit(kDomain, {items[writer][i]}).status();
    });
  }

 private:
  std::unique_ptr<kv::Engine> engine_;
  std::unique_ptr<cache::Ledger> ledger_;
};

absl::Status SetCeiling(v1::CacheService::Stub& stub) {
  grpc::ClientContext context;
  v1::SetCeilingRequest ceiling;
  ceiling.set_account(kAccount);
  ceiling.set_ceiling_micro_usd(1'000'000'000);
  v1::Account account;
  return ToStatus(stub.SetCeiling(&context, ceiling, &account));
}

absl::Status Run() {
  testing::ClusterOptions options;
  options.cache_only = true;
  LIMBECK_ASSIGN_OR_RETURN(auto cluster, testing::Cluster::Start(options));
  auto stub = v1::CacheService::NewStub(
      grpc::CreateChannel(cluster->cache_target(), grpc::InsecureChannelCredentials()));
  LIMBECK_RETURN_IF_ERROR(SetCeiling(*stub));
  const ScopedTempDirectory dir;
  LIMBECK_ASSIGN_OR_RETURN(const auto db, OpenRocksdb(dir.path() / "db"));
  LIMBECK_ASSIGN_OR_RETURN(const auto local, LocalLedger::Open(dir.path() / "ledger"));

  const std::string record = cache::EncodeRecord(SampleOutput(64, 20, 1));
  Figure over_grpc{.name = "commit_durable", .unit = "commits/s"};
  Figure in_process{.name = "commit_ledger", .unit = "commits/s"};
  std::vector<double> puts;
  for (int run = 0; run < kRuns; ++run) {
    LIMBECK_ASSIGN_OR_RETURN(puts.emplace_back(), TimePuts(*db, record, run));
    LIMBECK_ASSIGN_OR_RETURN(const Claims claims, AcquireAll(*stub, record, run));
    LIMBECK_ASSIGN_OR_RETURN(over_grpc.runs.emplace_back(), TimeCommits(*stub, claims));
    LIMBECK_ASSIGN_OR_RETURN(in_process.runs.emplace_back(), local->TimeCommits(record, run));
  }
  for (Figure* figure : {&over_grpc, &in_process}) {
    figure->limit = Median(puts);
    figure->limit_is = absl::StrCat("synced RocksDB puts of the same ", record.size(),
                                    " B by as many threads, in process");
    Print(*figure);
  }
  return absl::OkStatus();
}

}  // namespace
}  // namespace limbeck::bench

int main() { return limbeck::bench::Main("bench_commit_durable", limbeck::bench::Run); }
