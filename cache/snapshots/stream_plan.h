// Which positions a worker gets, and where a stream stands.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "cache/client/cache_client.h"

namespace limbeck::cache {

// First and one past the last item of a global batch of `batch` that belong to `rank` of `world`:
// ⌊rank·batch/world⌋ … ⌊(rank+1)·batch/world⌋. Shares of all ranks are disjoint and cover it.
inline std::pair<uint64_t, uint64_t> BatchShare(uint32_t batch, uint32_t rank, uint32_t world) {
  return {uint64_t{batch} * rank / world, uint64_t{batch} * (uint64_t{rank} + 1) / world};
}

// Walks a worker's positions over epochs. Not thread-safe.
class StreamPlan {
 public:
  // INVALID_ARGUMENT names the option. A position at or after the end of its epoch starts the next
  // one. A short last batch is shared out like a full one and cut off at the end.
  static absl::StatusOr<StreamPlan> Create(const StreamOptions& options, uint64_t items);

  // False after the last.
  bool Next(uint32_t* epoch, uint64_t* position);

 private:
  StreamPlan(const StreamOptions& options, uint64_t items);

  uint64_t items_;
  uint32_t batch_;
  uint64_t first_, last_;  // This worker's share of a batch.
  uint32_t epoch_;
  uint32_t epochs_left_;  // Including this one; meaningless when endless.
  bool endless_;
  uint64_t batch_start_;
  uint64_t offset_;  // Of the next item within the batch.
};

// Where a trainer stands, as its checkpoint keeps it: under 64 bytes.
struct Cursor {
  std::string snapshot_id;  // 64 hexadecimal digits.
  uint64_t seed = 0;
  uint32_t epoch = 0;
  uint64_t position = 0;

  friend bool operator==(const Cursor&, const Cursor&) = default;
};
inline constexpr size_t kCursorBytes = 57;

std::string EncodeCursor(const Cursor& cursor);
// DATA_LOSS: not a cursor. FAILED_PRECONDITION: made with another version of the order.
absl::StatusOr<Cursor> DecodeCursor(std::string_view bytes);

}  // namespace limbeck::cache
