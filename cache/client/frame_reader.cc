#include "cache/client/frame_reader.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "base/hash.h"
#include "base/status.h"
#include "cache/snapshots/item_codec.h"
#include "limbeck/v1/cache_service.pb.h"

namespace limbeck::cache {
namespace {

using Frame = v1::StreamPacksResponse;

// Protobuf's wire types.
constexpr uint64_t kVarint = 0;
constexpr uint64_t kFixed64 = 1;
constexpr uint64_t kLengthDelimited = 2;
constexpr uint64_t kFixed32 = 5;

constexpr uint64_t Tag(uint64_t field, uint64_t wire_type) { return field << 3 | wire_type; }

bool SkipField(uint64_t tag, SliceCursor* in) {
  uint64_t value = 0;
  switch (tag & 7) {
    case kVarint:
      return in->Varint(&value);
    case kFixed64:
      return in->Skip(8);
    case kFixed32:
      return in->Skip(4);
    case kLengthDelimited:
      return in->Varint(&value) && in->Skip(value);
    default:
      return false;
  }
}

}  // namespace

bool FrameReader::ParseField(uint64_t tag, SliceCursor* in) {
  uint64_t value = 0;
  switch (tag) {
    case Tag(Frame::kEpochFieldNumber, kVarint):
      if (!in->Varint(&value)) return false;
      epoch_ = static_cast<uint32_t>(value);
      return true;
    case Tag(Frame::kCountFieldNumber, kVarint):
      return in->Varint(&count_);
    case Tag(Frame::kChecksumFieldNumber, kFixed64):
      return in->Fixed64(&checksum_);
    case Tag(Frame::kItemsFieldNumber, kLengthDelimited):
      if (!in->Varint(&value) || value > in->left()) return false;
      items_ = *in;
      items_.Truncate(value);
      item_bytes_ = value;
      return in->Skip(value);
    case Tag(Frame::kPositionsFieldNumber, kLengthDelimited): {
      if (!in->Varint(&value) || value > in->left()) return false;
      const size_t after = in->left() - value;
      while (in->left() > after) {
        if (!in->Varint(&positions_.emplace_back())) return false;
      }
      return in->left() == after;
    }
    default:
      return SkipField(tag, in);
  }
}

bool FrameReader::Parse() {
  SliceCursor in(&slices_);
  uint64_t tag = 0;
  while (in.left() > 0) {
    if (!in.Varint(&tag) || !ParseField(tag, &in)) return false;
  }
  return count_ == positions_.size() && count_ > 0;
}

uint64_t FrameReader::ItemsChecksum() const {
  Xxh3Stream checksum;
  for (SliceCursor in = items_; in.left() > 0; in.Skip(in.Piece().size())) {
    checksum.Update(in.Piece());
  }
  return checksum.Value();
}

void FrameReader::Close() {
  slices_.clear();
  positions_.clear();
  items_ = {};
  next_ = item_bytes_ = epoch_ = 0;
  count_ = checksum_ = 0;
}

absl::Status FrameReader::Open(const grpc::ByteBuffer& message) {
  Close();
  if (!message.Dump(&slices_).ok() || !Parse()) {
    Close();
    return absl::DataLossError("a frame that cannot be read, or without one position per item");
  }
  if (ItemsChecksum() != checksum_) {
    const uint64_t position = positions_[0];
    Close();
    return absl::DataLossError(
        absl::StrCat("the frame at position ", position, " was damaged on the way"));
  }
  return absl::OkStatus();
}

absl::StatusOr<StreamItem> FrameReader::Next() {
  // An item begins with the size of its rest.
  SliceCursor ahead = items_;
  std::string_view bytes;
  if (!ahead.Bytes(kItemSizeBytes, &scratch_, &bytes)) {
    return absl::DataLossError("damaged item: shorter than its size");
  }
  if (!items_.Bytes(ItemBytes(bytes), &scratch_, &bytes)) {
    return absl::DataLossError("damaged item: shorter than it says");
  }
  LIMBECK_ASSIGN_OR_RETURN(PackedItem packed, DecodeItem(&bytes));
  StreamItem item;
  item.epoch = epoch_;
  item.position = positions_[next_++];
  item.example = std::move(packed.example);
  item.records = std::move(packed.records);
  return item;
}

}  // namespace limbeck::cache
