#include "cache/service/cache_metrics.h"

namespace limbeck::cache {
namespace {

metrics::Counter AddCounter(metrics::Registry* registry, const char* name, const char* help,
                            const metrics::Labels& labels = {}) {
  return registry == nullptr ? metrics::Counter() : registry->AddCounter(name, help, labels);
}

metrics::Gauge AddGauge(metrics::Registry* registry, const char* name, const char* help) {
  return registry == nullptr ? metrics::Gauge() : registry->AddGauge(name, help);
}

constexpr char kAcquired[] = "limbeck_cache_acquired_total";
constexpr char kAcquiredHelp[] = "Queries that Acquire decided.";
constexpr char kCommitted[] = "limbeck_cache_committed_total";
constexpr char kCommittedHelp[] = "Answers that Commit stored.";

}  // namespace

CacheMetrics::CacheMetrics(metrics::Registry* registry)
    : hits_(AddCounter(registry, kAcquired, kAcquiredHelp, {{"outcome", "hit"}})),
      claims_(AddCounter(registry, kAcquired, kAcquiredHelp, {{"outcome", "yours"}})),
      waits_(AddCounter(registry, kAcquired, kAcquiredHelp, {{"outcome", "wait"}})),
      refusals_(AddCounter(registry, kAcquired, kAcquiredHelp, {{"outcome", "refused"}})),
      absent_(AddCounter(registry, kAcquired, kAcquiredHelp, {{"outcome", "absent"}})),
      stored_(AddCounter(registry, kCommitted, kCommittedHelp, {{"outcome", "stored"}})),
      late_(AddCounter(registry, kCommitted, kCommittedHelp, {{"outcome", "late"}})),
      stream_items_(AddCounter(registry, "limbeck_cache_stream_items_total", "Items streamed.")),
      stream_bytes_(AddCounter(registry, "limbeck_cache_stream_bytes_total", "Bytes streamed.")),
      streams_(AddGauge(registry, "limbeck_cache_streams", "Streams open.")),
      write_groups_(AddGauge(registry, "limbeck_cache_write_groups", "Synced writes so far.")),
      write_requests_(
          AddGauge(registry, "limbeck_cache_write_requests", "Requests they served so far.")),
      write_conflicts_(AddGauge(registry, "limbeck_cache_write_conflicts",
                                "Writes planned again because another server wrote first.")),
      write_refused_(AddGauge(registry, "limbeck_cache_write_refused",
                              "Requests refused because the write queue was full.")),
      write_queue_(AddGauge(registry, "limbeck_cache_write_queue", "Requests waiting to write.")),
      pack_hits_(AddGauge(registry, "limbeck_cache_pack_hits", "Packs found open so far.")),
      pack_misses_(AddGauge(registry, "limbeck_cache_pack_misses", "Packs read so far.")),
      pack_bytes_(AddGauge(registry, "limbeck_cache_pack_bytes", "Bytes of packs kept open.")) {}

void CacheMetrics::OnAcquired(const std::vector<AcquireResult>& results) const {
  double counts[5] = {};
  for (const AcquireResult& result : results) ++counts[static_cast<int>(result.kind)];
  hits_.Add(counts[static_cast<int>(AcquireResult::Kind::kHit)]);
  claims_.Add(counts[static_cast<int>(AcquireResult::Kind::kYours)]);
  waits_.Add(counts[static_cast<int>(AcquireResult::Kind::kWait)]);
  refusals_.Add(counts[static_cast<int>(AcquireResult::Kind::kRefused)]);
  absent_.Add(counts[static_cast<int>(AcquireResult::Kind::kAbsent)]);
}

void CacheMetrics::OnCommitted(const std::vector<CommitOutcome>& outcomes) const {
  for (const CommitOutcome outcome : outcomes) {
    (outcome == CommitOutcome::kStored ? stored_ : late_).Add();
  }
}

void CacheMetrics::OnFrame(size_t items, size_t bytes) const {
  stream_items_.Add(static_cast<double>(items));
  stream_bytes_.Add(static_cast<double>(bytes));
}

void CacheMetrics::Update(const GroupWriterStats& writer, const PackCache::Stats& packs) const {
  write_groups_.Set(static_cast<double>(writer.groups));
  write_requests_.Set(static_cast<double>(writer.requests));
  write_conflicts_.Set(static_cast<double>(writer.conflicts));
  write_refused_.Set(static_cast<double>(writer.refused));
  write_queue_.Set(static_cast<double>(writer.queued));
  pack_hits_.Set(static_cast<double>(packs.hits));
  pack_misses_.Set(static_cast<double>(packs.misses));
  pack_bytes_.Set(static_cast<double>(packs.bytes));
}

}  // namespace limbeck::cache
