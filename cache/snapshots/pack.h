// Packs: about 4 MiB of a snapshot's items, the unit that is stored and read in bulk. Format:
// docs/formats/pack.md.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace limbeck::cache {

inline constexpr size_t kTargetPackBytes = 4u << 20;

// Collects encoded items. Not thread-safe.
class PackBuilder {
 public:
  void Add(std::string_view item);
  uint32_t items() const { return static_cast<uint32_t>(offsets_.size()); }
  // Of the items alone.
  size_t bytes() const { return data_.size(); }
  // The pack; the builder is empty afterwards.
  std::string Take();

 private:
  std::string data_;
  std::vector<uint32_t> offsets_;
};

// An opened pack. Immutable, thread-safe.
class Pack {
 public:
  // DATA_LOSS on any damage.
  static absl::StatusOr<std::shared_ptr<const Pack>> Open(std::string bytes);

  uint32_t items() const { return items_; }
  size_t bytes() const { return bytes_.size(); }
  // An encoded item, `index` < items(). Valid as long as the pack.
  std::string_view Item(uint32_t index) const;

 private:
  Pack(std::string bytes, uint32_t items) : bytes_(std::move(bytes)), items_(items) {}
  uint32_t Offset(uint32_t index) const;

  std::string bytes_;
  uint32_t items_;
};

}  // namespace limbeck::cache
