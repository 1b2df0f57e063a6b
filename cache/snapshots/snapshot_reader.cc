#include "cache/snapshots/snapshot_reader.h"

#include "absl/strings/str_cat.h"
#include "base/status.h"

namespace limbeck::cache {

absl::StatusOr<std::shared_ptr<const Pack>> PackCache::Get(const std::string& name) {
  {
    absl::MutexLock lock(&mu_);
    if (const auto it = by_name_.find(name); it != by_name_.end()) {
      entries_.splice(entries_.begin(), entries_, it->second);
      ++stats_.hits;
      return it->second->pack;
    }
    ++stats_.misses;
  }
  // Two streams may read the same pack at once; neither waits for the other's disk.
  absl::StatusOr<std::string> bytes = store_->Get(name);
  if (!bytes.ok()) return Annotate(bytes.status(), absl::StrCat("read pack ", name));
  absl::StatusOr<std::shared_ptr<const Pack>> pack = Pack::Open(*std::move(bytes));
  if (!pack.ok()) return Annotate(pack.status(), absl::StrCat("open pack ", name));
  absl::MutexLock lock(&mu_);
  Insert(name, *pack);
  return pack;
}

void PackCache::Insert(const std::string& name, std::shared_ptr<const Pack> pack) {
  if (by_name_.contains(name)) return;
  stats_.bytes += pack->bytes();
  entries_.push_front({name, std::move(pack)});
  by_name_.emplace(name, entries_.begin());
  while (stats_.bytes > max_bytes_ && entries_.size() > 1) {
    stats_.bytes -= entries_.back().pack->bytes();
    by_name_.erase(entries_.back().name);
    entries_.pop_back();
  }
}

PackCache::Stats PackCache::stats() const {
  absl::MutexLock lock(&mu_);
  return stats_;
}

absl::StatusOr<StoredItem> SnapshotReader::Item(uint32_t epoch, uint64_t position) {
  if (position >= manifest_->items) {
    return absl::OutOfRangeError(
        absl::StrCat("position ", position, " of a snapshot of ", manifest_->items));
  }
  if (!order_.has_value() || order_epoch_ != epoch) {
    order_.emplace(manifest_->PackItems(), seed_, epoch, sequential_);
    order_epoch_ = epoch;
  }
  const ItemPlace place = order_->At(position);
  auto it = held_.find(place.pack);
  if (it == held_.end()) {
    LIMBECK_ASSIGN_OR_RETURN(std::shared_ptr<const Pack> pack,
                             packs_->Get(manifest_->packs[place.pack].name));
    // A window is done when its last pack makes room for the next window's first.
    if (held_.size() >= kWindowPacks) held_.clear();
    it = held_.emplace(place.pack, std::move(pack)).first;
  }
  if (place.item >= it->second->items()) {
    return absl::DataLossError(absl::StrCat("pack ", manifest_->packs[place.pack].name, " has ",
                                            it->second->items(), " items, its manifest says more"));
  }
  return StoredItem{it->second->Item(place.item), it->second};
}

}  // namespace limbeck::cache
