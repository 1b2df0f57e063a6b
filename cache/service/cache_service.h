// limbeck.v1.CacheService over a ledger and a pack store. Messages stop here.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "base/clock.h"
#include "base/kv/engine.h"
#include "cache/ledger/ledger.h"
#include "cache/service/cache_metrics.h"
#include "cache/service/pack_stream.h"
#include "cache/service/stream_executor.h"
#include "cache/snapshots/pack_store.h"
#include "cache/snapshots/snapshot_reader.h"
#include "limbeck/v1/cache_service.grpc.pb.h"

namespace limbeck::cache {

struct CacheServiceOptions {
  // Packs kept open for streams.
  size_t pack_cache_bytes = 256u << 20;
  // Threads that read packs.
  int stream_threads = 4;
  size_t max_streams = 256;
};

// What the service works on; everything outlives it.
struct CacheParts {
  kv::Engine* engine = nullptr;
  Ledger* ledger = nullptr;
  PackStore* store = nullptr;
  Clock* clock = nullptr;
  const CacheMetrics* metrics = nullptr;
};

// Unary calls block their thread until their effect is durable; commits and streams, of which many
// are under way at once, hold no thread.
class CacheServiceImpl final
    : public v1::CacheService::WithCallbackMethod_Commit<
          v1::CacheService::WithRawCallbackMethod_StreamPacks<v1::CacheService::Service>> {
 public:
  CacheServiceImpl(const CacheParts& parts, const CacheServiceOptions& options);

  grpc::Status SetCeiling(grpc::ServerContext* context, const v1::SetCeilingRequest* request,
                          v1::Account* response) override;
  grpc::Status Acquire(grpc::ServerContext* context, const v1::AcquireRequest* request,
                       v1::AcquireResponse* response) override;
  grpc::ServerUnaryReactor* Commit(grpc::CallbackServerContext* context,
                                   const v1::CommitRequest* request,
                                   v1::CommitResponse* response) override;
  grpc::Status Release(grpc::ServerContext* context, const v1::ReleaseRequest* request,
                       v1::ReleaseResponse* response) override;
  grpc::Status GetRecords(grpc::ServerContext* context, const v1::GetRecordsRequest* request,
                          v1::GetRecordsResponse* response) override;
  grpc::Status CountRecords(grpc::ServerContext* context, const v1::CountRecordsRequest* request,
                            v1::CountRecordsResponse* response) override;
  grpc::Status GetSpend(grpc::ServerContext* context, const v1::GetSpendRequest* request,
                        v1::GetSpendResponse* response) override;
  grpc::Status StreamInvoice(grpc::ServerContext* context, const v1::StreamInvoiceRequest* request,
                             grpc::ServerWriter<v1::StreamInvoiceResponse>* writer) override;
  grpc::Status GetTeacherStats(grpc::ServerContext* context,
                               const v1::GetTeacherStatsRequest* request,
                               v1::TeacherStats* response) override;
  grpc::Status ListAmbiguous(grpc::ServerContext* context, const v1::ListAmbiguousRequest* request,
                             v1::ListAmbiguousResponse* response) override;
  grpc::Status CreateSnapshot(grpc::ServerContext* context,
                              grpc::ServerReader<v1::CreateSnapshotRequest>* reader,
                              v1::Snapshot* response) override;
  grpc::Status GetSnapshot(grpc::ServerContext* context, const v1::GetSnapshotRequest* request,
                           v1::Snapshot* response) override;
  grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>* StreamPacks(
      grpc::CallbackServerContext* context) override;
  grpc::Status GetCacheStats(grpc::ServerContext* context, const v1::GetCacheStatsRequest* request,
                             v1::CacheStats* response) override;
  grpc::Status VerifyCache(grpc::ServerContext* context, const v1::VerifyCacheRequest* request,
                           v1::VerifyCacheResponse* response) override;

  // Ends streams with UNAVAILABLE so that their readers go elsewhere; refuses new ones.
  void StopStreams() { streams_.StopAll(); }

 private:
  absl::Status AddItems(const std::string& domain, const v1::CreateSnapshotRequest::Items& items,
                        class SnapshotWriter* writer);
  absl::StatusOr<std::unique_ptr<FrameSource>> OpenStream(const v1::StreamPacksRequest::Open& open);
  absl::StatusOr<std::shared_ptr<const Manifest>> FindManifest(const std::string& id);

  const CacheParts parts_;
  PackCache packs_;
  StreamRegistry streams_;
  StreamHost host_;

  absl::Mutex mu_;
  // Manifests of snapshots that are being streamed; weak, so that they go with the last stream.
  std::map<std::string, std::weak_ptr<const Manifest>> manifests_ ABSL_GUARDED_BY(mu_);

  StreamExecutor executor_;  // Last: its threads stop before what they use goes.
};

}  // namespace limbeck::cache
