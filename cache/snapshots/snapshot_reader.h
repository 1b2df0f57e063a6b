// Reads items of snapshots at any position of any order.
#pragma once

#include <list>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "cache/snapshots/manifest.h"
#include "cache/snapshots/order.h"
#include "cache/snapshots/pack.h"
#include "cache/snapshots/pack_store.h"

namespace limbeck::cache {

// Opened packs, the least recently used dropped first. Shared by all streams. Thread-safe.
class PackCache {
 public:
  struct Stats {
    uint64_t hits = 0;
    uint64_t misses = 0;
    size_t bytes = 0;
  };

  // Borrows `store`. Packs that a stream is reading stay in memory beyond `max_bytes`.
  PackCache(PackStore* store, size_t max_bytes) : store_(store), max_bytes_(max_bytes) {}

  absl::StatusOr<std::shared_ptr<const Pack>> Get(const std::string& name);
  Stats stats() const;

 private:
  struct Entry {
    std::string name;
    std::shared_ptr<const Pack> pack;
  };
  using Entries = std::list<Entry>;

  void Insert(const std::string& name, std::shared_ptr<const Pack> pack)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  PackStore* const store_;
  const size_t max_bytes_;
  mutable absl::Mutex mu_;
  Entries entries_ ABSL_GUARDED_BY(mu_);  // Most recently used first.
  std::unordered_map<std::string, Entries::iterator> by_name_ ABSL_GUARDED_BY(mu_);
  Stats stats_ ABSL_GUARDED_BY(mu_);
};

// An encoded item where it lies.
struct StoredItem {
  std::string_view bytes;
  std::shared_ptr<const Pack> pack;  // Keeps them.
};

// One stream's view of a snapshot. Not thread-safe.
class SnapshotReader {
 public:
  // Borrows `packs`.
  SnapshotReader(std::shared_ptr<const Manifest> manifest, PackCache* packs, uint64_t seed,
                 bool sequential)
      : manifest_(std::move(manifest)), packs_(packs), seed_(seed), sequential_(sequential) {}

  uint64_t size() const { return manifest_->items; }
  // The encoded item at a position of an epoch. OUT_OF_RANGE past the end; DATA_LOSS names a
  // damaged pack.
  absl::StatusOr<StoredItem> Item(uint32_t epoch, uint64_t position);

 private:
  const std::shared_ptr<const Manifest> manifest_;
  PackCache* const packs_;
  const uint64_t seed_;
  const bool sequential_;
  std::optional<EpochOrder> order_;
  uint32_t order_epoch_ = 0;
  // Packs of the current window.
  std::unordered_map<uint32_t, std::shared_ptr<const Pack>> held_;
};

}  // namespace limbeck::cache
