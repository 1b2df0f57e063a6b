#include "cache/snapshots/pack.h"

#include <cstring>

#include "absl/strings/str_cat.h"
#include "base/hash.h"
#include "base/string_view.h"
#include "cache/records/wire.h"

namespace limbeck::cache {
namespace {

constexpr std::string_view kMagic = "LMBP";
constexpr uint8_t kVersion = 1;
constexpr size_t kHeaderBytes = 16;
constexpr size_t kTrailerBytes = 8;

absl::Status Damaged(std::string_view what) {
  return absl::DataLossError(absl::StrCat("damaged pack: ", ToAbsl(what)));
}

}  // namespace

void PackBuilder::Add(std::string_view item) {
  offsets_.push_back(static_cast<uint32_t>(data_.size()));
  data_.append(item);
}

std::string PackBuilder::Take() {
  std::string pack(kMagic);
  pack.reserve(kHeaderBytes + 4 * (offsets_.size() + 1) + data_.size() + kTrailerBytes);
  PutFixed<uint32_t>(&pack, kVersion);  // Version, then three bytes of flags, all 0.
  PutFixed<uint32_t>(&pack, items());
  PutFixed<uint32_t>(&pack, static_cast<uint32_t>(data_.size()));
  for (const uint32_t offset : offsets_) PutFixed<uint32_t>(&pack, offset);
  PutFixed<uint32_t>(&pack, static_cast<uint32_t>(data_.size()));
  pack.append(data_);
  PutFixed<uint64_t>(&pack, Xxh3(pack));
  data_.clear();
  offsets_.clear();
  return pack;
}

absl::StatusOr<std::shared_ptr<const Pack>> Pack::Open(std::string bytes) {
  if (bytes.size() < kHeaderBytes + 4 + kTrailerBytes) return Damaged("shorter than its header");
  if (std::string_view(bytes).substr(0, 4) != kMagic) return Damaged("wrong magic");
  const std::string_view covered(bytes.data(), bytes.size() - kTrailerBytes);
  uint64_t checksum = 0;
  WireReader(std::string_view(bytes).substr(covered.size())).Fixed(&checksum);
  if (checksum != Xxh3(covered)) return Damaged("checksum differs");
  uint32_t version = 0, items = 0, data_bytes = 0;
  WireReader in(covered.substr(4));
  if (!in.Fixed(&version) || !in.Fixed(&items) || !in.Fixed(&data_bytes)) return Damaged("cut");
  if (version != kVersion) return Damaged(absl::StrCat("version ", version));
  if (covered.size() != kHeaderBytes + 4 * (uint64_t{items} + 1) + data_bytes) {
    return Damaged("impossible sizes");
  }
  uint32_t before = 0;
  for (uint64_t i = 0; i <= items; ++i) {
    uint32_t offset = 0;
    if (!in.Fixed(&offset) || offset < before || offset > data_bytes || (i == 0 && offset != 0) ||
        (i == items && offset != data_bytes)) {
      return Damaged("impossible offsets");
    }
    before = offset;
  }
  return std::shared_ptr<const Pack>(new Pack(std::move(bytes), items));
}

uint32_t Pack::Offset(uint32_t index) const {
  uint32_t offset = 0;
  WireReader(std::string_view(bytes_).substr(kHeaderBytes + 4 * uint64_t{index})).Fixed(&offset);
  return offset;
}

std::string_view Pack::Item(uint32_t index) const {
  const uint32_t begin = Offset(index);
  const uint64_t data = kHeaderBytes + 4 * (uint64_t{items_} + 1);
  return std::string_view(bytes_).substr(data + begin, Offset(index + 1) - begin);
}

}  // namespace limbeck::cache
