#include "cache/service/frame_source.h"

#include <grpcpp/support/slice.h>

#include <utility>
#include <vector>

#include "base/hash.h"
#include "base/status.h"
#include "cache/records/wire.h"
#include "limbeck/v1/cache_service.pb.h"

namespace limbeck::cache {
namespace {

// A slice over `bytes` that keeps `owner` until gRPC is done with it.
template <typename Owner>
grpc::Slice SliceOf(std::string_view bytes, Owner* owner) {
  return grpc::Slice(
      const_cast<char*>(bytes.data()), bytes.size(),  // gRPC takes void*, and only reads.
      [](void* kept) { delete static_cast<Owner*>(kept); }, owner);
}

grpc::Slice SliceOf(std::string bytes) {
  auto* const owner = new std::string(std::move(bytes));
  return SliceOf(*owner, owner);
}

// The items of one frame in pieces: large ones where they lie, small ones together in copies.
class ItemPieces {
 public:
  void Add(StoredItem item) {
    bytes_ += item.bytes.size();
    if (item.bytes.size() < kMinSharedItemBytes) {
      if (copies_.empty()) copies_.reserve(kMinFrameBytes + kMinSharedItemBytes);
      copies_.append(item.bytes);
      return;
    }
    EndCopies();
    checksum_.Update(item.bytes);
    const std::string_view bytes = item.bytes;
    slices_.push_back(SliceOf(bytes, new std::shared_ptr<const Pack>(std::move(item.pack))));
  }

  size_t bytes() const { return bytes_; }
  uint64_t Checksum() {
    EndCopies();
    return checksum_.Value();
  }
  std::vector<grpc::Slice> Take() {
    EndCopies();
    return std::move(slices_);
  }

 private:
  void EndCopies() {
    if (copies_.empty()) return;
    checksum_.Update(copies_);
    slices_.push_back(SliceOf(std::exchange(copies_, {})));
  }

  size_t bytes_ = 0;
  Xxh3Stream checksum_;
  std::string copies_;
  std::vector<grpc::Slice> slices_;
};

// Serialises `fields` with the items as its last field, so that their bytes need not move.
grpc::ByteBuffer Serialise(const v1::StreamPacksResponse& fields, ItemPieces* items) {
  constexpr uint64_t kLengthDelimited = 2;
  std::string head = fields.SerializeAsString();
  PutVarint(&head, v1::StreamPacksResponse::kItemsFieldNumber << 3 | kLengthDelimited);
  PutVarint(&head, items->bytes());
  std::vector<grpc::Slice> slices = items->Take();
  slices.insert(slices.begin(), SliceOf(std::move(head)));
  return grpc::ByteBuffer(slices.data(), slices.size());
}

}  // namespace

absl::StatusOr<bool> FrameSource::Next(StreamFrame* frame) {
  if (!more_) return false;
  v1::StreamPacksResponse fields;
  fields.set_epoch(epoch_);
  fields.set_position(position_);
  ItemPieces items;
  while (more_ && epoch_ == fields.epoch() && items.bytes() < kMinFrameBytes &&
         fields.positions_size() < kMaxFrameItems) {
    LIMBECK_ASSIGN_OR_RETURN(StoredItem item, reader_.Item(epoch_, position_));
    if (items.bytes() > 0 && items.bytes() + item.bytes.size() > kMaxFrameBytes) break;
    items.Add(std::move(item));
    fields.add_positions(position_);
    more_ = plan_.Next(&epoch_, &position_);
  }
  fields.set_count(static_cast<uint32_t>(fields.positions_size()));
  fields.set_checksum(items.Checksum());
  frame->items = fields.count();
  frame->item_bytes = items.bytes();
  frame->message = Serialise(fields, &items);
  return true;
}

}  // namespace limbeck::cache
