// How a teacher's batches are made, and how long they are waited for.
#pragma once

#include <cstddef>
#include <cstdint>

#include "absl/time/time.h"
#include "base/backoff.h"

namespace limbeck::gateway {

struct BatchLimits {
  // Of the teacher's prices, 1 … 100.
  uint32_t price_percent = 50;
  // Of one batch. Its file is held in memory until it is handed over.
  size_t max_requests = 10'000;
  size_t max_bytes = 64u << 20;
  // Of one job, at the provider at once; as many queries again are gathered meanwhile.
  size_t max_batches = 2;
  // A batch that is not full is handed over once nothing came for so long.
  absl::Duration gather = absl::Seconds(5);
  absl::Duration poll = absl::Minutes(1);
  // From its making: what is not answered by then is cancelled.
  absl::Duration patience = absl::Hours(26);
  // From the cancelling: what is not settled by then counts as spent.
  absl::Duration grace = absl::Hours(2);
  // Wait for room where the account has too many tokens waiting.
  absl::Duration park = absl::Minutes(15);
  // After a creation whose outcome is unknown the batch is searched this often, so far apart,
  // before it is created once more; each search reads at most so many pages.
  uint32_t lookups = 3;
  absl::Duration lookup_wait = absl::Seconds(20);
  size_t max_lookup_pages = 100;
  // Of results. A longer line is unreadable.
  size_t max_line_bytes = 16u << 20;
  uint64_t max_result_bytes = 64ull << 30;
  absl::Duration transfer_timeout = absl::Hours(1);
  // Of results handed on together.
  size_t deliver_lines = 256;
  size_t deliver_bytes = 8u << 20;
  // After requests that failed.
  BackoffPolicy retry = {.initial = absl::Seconds(2), .max = absl::Minutes(5)};

  // A claim lasts at least as long as its batch.
  absl::Duration claim_life() const { return patience + 2 * grace; }
};

}  // namespace limbeck::gateway
