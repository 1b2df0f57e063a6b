#include "cache/snapshots/stream_plan.h"

#include "absl/strings/str_cat.h"
#include "base/hash.h"
#include "cache/records/wire.h"
#include "cache/snapshots/order.h"

namespace limbeck::cache {
namespace {

constexpr size_t kIdBytes = 32;

}  // namespace

absl::StatusOr<StreamPlan> StreamPlan::Create(const StreamOptions& options, uint64_t items) {
  if (options.global_batch == 0) {
    return absl::InvalidArgumentError("global_batch: must be at least 1");
  }
  if (options.world_size == 0 || options.rank >= options.world_size) {
    return absl::InvalidArgumentError(
        absl::StrCat("rank: ", options.rank, " is not below world_size ", options.world_size));
  }
  if (options.position % options.global_batch != 0 && options.position < items) {
    return absl::InvalidArgumentError(absl::StrCat("position: ", options.position,
                                                   " is not a multiple of global_batch ",
                                                   options.global_batch));
  }
  if (items == 0) return absl::InvalidArgumentError("snapshot_id: the snapshot has no items");
  return StreamPlan(options, items);
}

StreamPlan::StreamPlan(const StreamOptions& options, uint64_t items)
    : items_(items),
      batch_(options.global_batch),
      epoch_(options.epoch),
      epochs_left_(options.epochs),
      endless_(options.epochs == 0),
      batch_start_(options.position) {
  std::tie(first_, last_) = BatchShare(batch_, options.rank, options.world_size);
  offset_ = first_;
}

bool StreamPlan::Next(uint32_t* epoch, uint64_t* position) {
  // A worker whose share is empty (more workers than items in a batch) gets nothing, ever.
  if (first_ == last_) return false;
  while (endless_ || epochs_left_ > 0) {
    if (batch_start_ >= items_) {
      batch_start_ = 0;
      offset_ = first_;
      ++epoch_;
      if (!endless_) --epochs_left_;
      continue;
    }
    if (offset_ == last_ || batch_start_ + offset_ >= items_) {
      batch_start_ += batch_;
      offset_ = first_;
      continue;
    }
    *epoch = epoch_;
    *position = batch_start_ + offset_++;
    return true;
  }
  return false;
}

std::string EncodeCursor(const Cursor& cursor) {
  std::string bytes;
  PutFixed<uint8_t>(&bytes, kOrderVersion);
  std::string id = HexDecode(cursor.snapshot_id);
  id.resize(kIdBytes);
  bytes += id;
  PutFixed<uint64_t>(&bytes, cursor.seed);
  PutFixed<uint32_t>(&bytes, cursor.epoch);
  PutFixed<uint64_t>(&bytes, cursor.position);
  PutFixed<uint32_t>(&bytes, static_cast<uint32_t>(Xxh3(bytes)));
  return bytes;
}

absl::StatusOr<Cursor> DecodeCursor(std::string_view bytes) {
  if (bytes.size() != kCursorBytes) {
    return absl::DataLossError(
        absl::StrCat("a cursor has ", kCursorBytes, " bytes, not ", bytes.size()));
  }
  WireReader in(bytes);
  uint8_t version = 0;
  uint32_t checksum = 0;
  std::string_view id;
  Cursor cursor;
  if (!in.Fixed(&version) || !in.Bytes(kIdBytes, &id) || !in.Fixed(&cursor.seed) ||
      !in.Fixed(&cursor.epoch) || !in.Fixed(&cursor.position) || !in.Fixed(&checksum) ||
      checksum != static_cast<uint32_t>(Xxh3(bytes.substr(0, bytes.size() - 4)))) {
    return absl::DataLossError("the cursor is damaged");
  }
  if (version != kOrderVersion) {
    return absl::FailedPreconditionError(absl::StrCat("the cursor is of order version ", version,
                                                      ", this program has ", kOrderVersion));
  }
  cursor.snapshot_id = HexEncode(id);
  return cursor;
}

}  // namespace limbeck::cache
