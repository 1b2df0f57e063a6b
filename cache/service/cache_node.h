// A whole cache in one object: engine, ledger, packs and service over one data folder. Hosted by
// limbeck-cache, and by any process that runs everything in one.
#pragma once

#include <grpcpp/impl/service_type.h>

#include <filesystem>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "base/clock.h"
#include "base/kv/engine.h"
#include "base/kv/open.h"
#include "base/metrics/metrics.h"
#include "cache/ledger/ledger.h"
#include "cache/service/cache_metrics.h"
#include "cache/service/cache_service.h"
#include "cache/snapshots/pack_store.h"

namespace limbeck::cache {

struct CacheNodeOptions {
  // Of records and ledger. Path and tables are the node's to name; packs go to the folder with any
  // driver.
  kv::OpenOptions engine;
  LedgerOptions ledger;
  CacheServiceOptions service;
  // Null discards metrics. Borrowed.
  metrics::Registry* registry = nullptr;
  // Borrowed.
  Clock* clock = Clock::Real();
};

// Thread-safe. Must outlive the gRPC server that serves it.
class CacheNode {
 public:
  // Creates the folder when missing: kv/ (with the driver rocksdb) and packs/ in it. Errors are
  // those of kv::Open; FAILED_PRECONDITION: another process has it open.
  static absl::StatusOr<std::unique_ptr<CacheNode>> Open(const std::filesystem::path& data_dir,
                                                         const CacheNodeOptions& options);

  // To register with a gRPC server.
  grpc::Service* service() { return service_.get(); }
  Ledger* ledger() { return ledger_.get(); }
  // Call before the server's shutdown: streams end with UNAVAILABLE, so that their readers go on
  // elsewhere at their cursors; calls in progress are not touched.
  void StopStreams() { service_->StopStreams(); }

 private:
  CacheNode(std::unique_ptr<kv::Engine> engine, std::unique_ptr<PackStore> store,
            std::unique_ptr<Ledger> ledger, const CacheNodeOptions& options);

  const std::unique_ptr<kv::Engine> engine_;
  const std::unique_ptr<PackStore> store_;
  const CacheMetrics metrics_;
  const std::unique_ptr<Ledger> ledger_;
  const std::unique_ptr<CacheServiceImpl> service_;
};

}  // namespace limbeck::cache
