// From items of the cache's stream to what the objective needs.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "cache/client/cache_client.h"
#include "cache/records/label_reader.h"
#include "cache/records/output_noise.h"

namespace limbeck::trainer {

// One row with the teacher's answer.
struct TeacherRow {
  std::string row_id;
  std::string text;
  int gold = -1;  // Label index, −1 where the dataset has none.
  cache::LabelDistribution teacher;
  std::string teacher_model;  // As it named itself.
};

// How items are read. Immutable, shared between threads.
struct RowDecoder {
  cache::LabelReader reader;
  cache::OutputNoiseSpec noise;
  // Rows whose gold label is missing are errors.
  bool needs_gold = false;

  // Decodes records, makes the distribution and applies noise. The gateway has filtered the rows,
  // so one that gives no distribution is DATA_LOSS; a gold label outside the set, or none where it
  // is needed, is INVALID_ARGUMENT. Messages name the row.
  absl::StatusOr<TeacherRow> Decode(const cache::StreamItem& item, bool with_noise) const;
};

// Opens a stream at (epoch, position).
using OpenStream =
    std::function<absl::StatusOr<std::unique_ptr<cache::ItemStream>>(uint32_t, uint64_t)>;

// How often, and how patiently, a broken stream is opened again.
struct ReopenPolicy {
  // Failures in a row, without an item between them, before the error is passed on.
  uint32_t max_failures = 20;
  absl::Duration initial_delay = absl::Milliseconds(100);
  absl::Duration max_delay = absl::Seconds(2);
  Clock* clock = Clock::Real();
};

// All rows of a snapshot in stored order, without noise. `cancelled` is asked between items.
absl::StatusOr<std::vector<TeacherRow>> ReadAllRows(const RowDecoder& decoder,
                                                    const OpenStream& open,
                                                    const ReopenPolicy& policy,
                                                    const std::function<bool()>& cancelled);

}  // namespace limbeck::trainer
