// Locks on the keys of a batch, held from its preconditions' check to its write.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "base/kv/engine.h"

namespace limbeck::kv {

// A fixed number of mutexes that all keys share by hash. Thread-safe.
class KeyLocks {
 public:
  // `stripes` mutexes of a word each. Batches whose keys share no stripe run in parallel and share
  // a sync, so this should be well above writers × keys in a batch.
  explicit KeyLocks(size_t stripes = 1 << 14);
  KeyLocks(const KeyLocks&) = delete;
  KeyLocks& operator=(const KeyLocks&) = delete;

  // Holds the stripes of every key in a batch, written or expected. They are taken in ascending
  // order, so that no two batches can wait for each other.
  class Hold {
   public:
    Hold(KeyLocks* locks, const WriteBatch& batch) ABSL_NO_THREAD_SAFETY_ANALYSIS;
    ~Hold() ABSL_NO_THREAD_SAFETY_ANALYSIS;
    Hold(const Hold&) = delete;
    Hold& operator=(const Hold&) = delete;

   private:
    KeyLocks* const locks_;
    std::vector<size_t> held_;  // Ascending, without doubles.
  };

 private:
  const size_t stripes_;
  const std::unique_ptr<absl::Mutex[]> mutexes_;
};

}  // namespace limbeck::kv
