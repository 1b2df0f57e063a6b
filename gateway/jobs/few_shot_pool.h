// The rows that few-shot examples are drawn from.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "gateway/jobs/dataset_store.h"
#include "gateway/jobs/row_walk.h"
#include "limbeck/v1/job.pb.h"

namespace limbeck::gateway {

struct FewShotPoolLimits {
  // Rows kept, and bytes of their columns; what lies beyond is left out by a seeded sample.
  size_t max_rows = 4096;
  size_t max_bytes = 16u << 20;
};

struct PoolRow {
  uint64_t text_hash = 0;  // As in JobRow.
  std::string columns;     // A JSON object.
};

// Immutable once loaded, thread-safe. Which rows are kept depends on seed and content alone, not on
// the order of the file: each row has a priority, a hash, and the rows of lowest priority that fit
// the limits stay.
class FewShotPool {
 public:
  // Reads the pool that `spec` names (with defaults filled in): its file, else the training rows.
  // Rows whose text is held out or validates are not in it, and equal texts once. INVALID_ARGUMENT
  // when it has too few rows for data.expansion.few_shot.count, beside the row that asks.
  static absl::StatusOr<FewShotPool> Load(const DatasetStore& datasets, const v1::JobSpec& spec,
                                          const FewShotPoolLimits& limits = {});

  size_t size() const { return rows_.size(); }

  // `count` different rows, drawn by (seed, key), none of them with the text `own_text`; fewer only
  // where the pool has no more. Valid as long as the pool.
  std::vector<const PoolRow*> Draw(uint64_t key, size_t count, uint64_t own_text) const;

 private:
  FewShotPool(uint64_t seed, const FewShotPoolLimits& limits) : seed_(seed), limits_(limits) {}
  void Offer(const JobRow& row);

  uint64_t seed_;
  FewShotPoolLimits limits_;
  // By priority; only while loading.
  std::map<uint64_t, PoolRow> kept_;
  size_t kept_bytes_ = 0;
  uint64_t cutoff_ = UINT64_MAX;  // Rows of this priority and above do not fit.
  std::vector<PoolRow> rows_;
};

}  // namespace limbeck::gateway
