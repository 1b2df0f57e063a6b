#include "base/kv/rocksdb/key_locks.h"

#include <algorithm>

#include "base/hash.h"

namespace limbeck::kv {

KeyLocks::KeyLocks(size_t stripes) : stripes_(stripes), mutexes_(new absl::Mutex[stripes]) {}

KeyLocks::Hold::Hold(KeyLocks* locks, const WriteBatch& batch) : locks_(locks) {
  held_.reserve(batch.operations().size());
  for (const WriteBatch::Operation& operation : batch.operations()) {
    held_.push_back(Xxh3(operation.key, Xxh3(operation.table)) % locks_->stripes_);
  }
  std::sort(held_.begin(), held_.end());
  held_.erase(std::unique(held_.begin(), held_.end()), held_.end());
  for (const size_t stripe : held_) locks_->mutexes_[stripe].Lock();
}

KeyLocks::Hold::~Hold() {
  for (const size_t stripe : held_) locks_->mutexes_[stripe].Unlock();
}

}  // namespace limbeck::kv
