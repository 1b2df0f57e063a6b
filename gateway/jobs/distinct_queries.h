// Counts the distinct queries of a job in bounded memory.
#pragma once

#include <cstddef>
#include <cstdint>

#include "absl/container/flat_hash_set.h"

namespace limbeck::gateway {

// Exact up to `max_kept` distinct queries. Of what comes later only repeats of those, and repeats
// within one row, are found; the rest counts as new, so that a quote errs to the high side. One
// thread.
class DistinctQueries {
 public:
  // What a table of 9 MB holds before it would double.
  static constexpr size_t kMaxKept = 917'504;

  explicit DistinctQueries(size_t max_kept = kMaxKept) : max_kept_(max_kept) {}

  void StartRow() { of_row_.clear(); }
  // Whether the query with this hash is new.
  bool Add(uint64_t hash);
  uint64_t count() const { return count_; }

 private:
  const size_t max_kept_;
  uint64_t count_ = 0;
  absl::flat_hash_set<uint64_t> kept_;
  // Of the row at hand, where `kept_` is full.
  absl::flat_hash_set<uint64_t> of_row_;
};

}  // namespace limbeck::gateway
