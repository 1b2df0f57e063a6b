#include "cache/service/frame_source.h"

#include "base/hash.h"
#include "base/status.h"

namespace limbeck::cache {

absl::StatusOr<bool> FrameSource::Next(v1::StreamPacksResponse* frame) {
  frame->Clear();
  if (!more_) return false;
  frame->set_epoch(epoch_);
  frame->set_position(position_);
  std::string* items = frame->mutable_items();
  while (more_ && epoch_ == frame->epoch() && items->size() < kMinFrameBytes &&
         frame->positions_size() < kMaxFrameItems) {
    LIMBECK_ASSIGN_OR_RETURN(const std::string_view item, reader_.Item(epoch_, position_));
    if (!items->empty() && items->size() + item.size() > kMaxFrameBytes) break;
    items->append(item);
    frame->add_positions(position_);
    more_ = plan_.Next(&epoch_, &position_);
  }
  frame->set_count(static_cast<uint32_t>(frame->positions_size()));
  frame->set_checksum(Xxh3(*items));
  return true;
}

}  // namespace limbeck::cache
