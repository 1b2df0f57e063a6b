// Reads everything and checks it.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/kv/engine.h"
#include "cache/snapshots/pack_store.h"

namespace limbeck::cache {

inline constexpr size_t kMaxDamagedListed = 100;

struct VerifyResult {
  uint64_t records_checked = 0;
  uint64_t packs_checked = 0;
  // Keys of records in hexadecimal, names of packs, and "ledger: …" when accounts do not add up.
  std::vector<std::string> damaged;
};

// Works on one moment's state; writers are not held up. CANCELLED when `cancelled` says so.
absl::StatusOr<VerifyResult> VerifyAll(const kv::Engine& engine, PackStore* store,
                                       const std::function<bool()>& cancelled);

}  // namespace limbeck::cache
