// One quota pool over several gateway processes: each takes leases of tokens and slots from a row
// in the key-value engine, by compare-and-set, and admits from what it holds.
//
// Correct to within one lease: what all gateways send together never passes the limits by more than
// what a gateway that died, or was cut off, had been granted last. Nothing is granted while the
// engine is away, and what was granted runs out with its lease: then nothing is admitted.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "base/kv/engine.h"
#include "gateway/limits/quota_pool.h"
#include "gateway/limits/shared_record.h"

namespace limbeck::gateway {

struct SharedQuotaOptions {
  // Names this process among those that share the pool; different after every start, so that a new
  // process does not take over what a dead one held.
  std::string holder;
  // For how long a grant holds. Clocks of the machines may differ by a fifth of it.
  absl::Duration lease = absl::Seconds(10);
  // Part of a limit's burst that is taken at once, at least.
  double chunk = 0.05;
  // Compare-and-set rounds that may be lost to others in one refresh.
  int max_conflicts = 20;
};

// Not thread-safe; the pool and the engine are.
class SharedQuota {
 public:
  // Everything is borrowed. The pool's options say `shared`.
  SharedQuota(QuotaPool* pool, kv::Engine* engine, Clock* clock, const SharedQuotaOptions& options);

  // The tables that the engine must have.
  static std::vector<std::string> Tables();

  // Books what was used, takes what is wanted, extends the lease. Writes only when there is
  // something to say. FAILED_PRECONDITION: this machine's clock is behind another's by more than a
  // lease. After this or any error of the engine's the pool keeps what it held until its lease
  // ends.
  absl::Status Refresh();

  // Gives everything back; nothing is admitted afterwards.
  absl::Status Release();

 private:
  struct Round;

  absl::StatusOr<Round> Read(const QuotaDemand& demand);
  // Deals with refills in the future: a clock was set back, or clocks differ.
  absl::Status CheckClocks(Round* round) const;
  static bool IsIdle(const QuotaDemand& demand);
  static uint32_t SlotsHeld(const Round& round);
  void Reclaim(Round* round) const;
  void DivideTokens(Round* round) const;
  void DivideSlots(Round* round) const;
  bool WorthWriting(const Round& round) const;
  absl::Status Write(const Round& round);
  absl::Status TryRefresh(QuotaDemand* demand);
  // Others of `round` that got less than they want.
  size_t HungryOthers(const Round& round) const;

  QuotaPool* const pool_;
  kv::Engine* const engine_;
  Clock* const clock_;
  const SharedQuotaOptions options_;
  const std::vector<QuotaLimit> limits_;
  std::vector<std::string> names_;  // Of the limits, in the row.
  // What this holder believes to hold.
  bool holds_ = false;
  uint32_t slots_ = 0;
  SteadyTime until_;
};

// A thread that refreshes until it is destroyed, and then releases.
class SharedQuotaThread {
 public:
  // `quota` is owned; `interval` is between refreshes.
  static std::unique_ptr<SharedQuotaThread> Start(std::unique_ptr<SharedQuota> quota,
                                                  absl::Duration interval, const std::string& pool);
  virtual ~SharedQuotaThread() = default;
};

}  // namespace limbeck::gateway
