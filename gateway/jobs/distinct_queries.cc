#include "gateway/jobs/distinct_queries.h"

namespace limbeck::gateway {

bool DistinctQueries::Add(uint64_t hash) {
  if (kept_.contains(hash)) return false;
  const bool full = kept_.size() >= max_kept_;
  if (!(full ? of_row_ : kept_).insert(hash).second) return false;
  ++count_;
  return true;
}

}  // namespace limbeck::gateway
