// What the cache counts.
#pragma once

#include "base/metrics/metrics.h"
#include "cache/client/cache_client.h"
#include "cache/ledger/group_writer.h"
#include "cache/snapshots/snapshot_reader.h"

namespace limbeck::cache {

// Thread-safe.
class CacheMetrics {
 public:
  // A null registry discards everything.
  explicit CacheMetrics(metrics::Registry* registry);

  void OnAcquired(const std::vector<AcquireResult>& results) const;
  void OnCommitted(const std::vector<CommitOutcome>& outcomes) const;
  void OnFrame(size_t items, size_t bytes) const;
  void SetStreams(size_t streams) const { streams_.Set(static_cast<double>(streams)); }
  void Update(const GroupWriterStats& writer, const PackCache::Stats& packs) const;

 private:
  metrics::Counter hits_, claims_, waits_, refusals_, absent_;
  metrics::Counter stored_, late_;
  metrics::Counter stream_items_, stream_bytes_;
  metrics::Gauge streams_;
  metrics::Gauge write_groups_, write_requests_, write_conflicts_, write_refused_, write_queue_;
  metrics::Gauge pack_hits_, pack_misses_, pack_bytes_;
};

}  // namespace limbeck::cache
