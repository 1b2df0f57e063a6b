// Freezes a list of items as packs and a manifest.
#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/clock.h"
#include "base/hash.h"
#include "base/kv/engine.h"
#include "cache/snapshots/manifest.h"
#include "cache/snapshots/pack.h"
#include "cache/snapshots/pack_store.h"

namespace limbeck::cache {

// Not thread-safe. Holds one pack in memory. Without Finish nothing is there but unnamed packs,
// which the next try of the same list finds and uses.
class SnapshotWriter {
 public:
  // Borrows all three.
  SnapshotWriter(kv::Engine* engine, PackStore* store, Clock* clock, std::string domain,
                 std::string display_name);

  absl::Status Add(const TrainingExample& example, const std::vector<std::string>& records);

  // Makes the snapshot durable. Its id is the hash of domain and items, so the same list gives the
  // same snapshot; one that is there already is returned as it is. INVALID_ARGUMENT: no items.
  absl::StatusOr<Manifest> Finish();

 private:
  absl::Status SealPack();

  kv::Engine* const engine_;
  PackStore* const store_;
  Clock* const clock_;
  Manifest manifest_;
  PackBuilder pack_;
  Sha256Stream hash_;
};

}  // namespace limbeck::cache
