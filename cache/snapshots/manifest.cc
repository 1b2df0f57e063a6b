#include "cache/snapshots/manifest.h"

#include "absl/strings/str_cat.h"
#include "base/hash.h"
#include "base/status.h"
#include "cache/records/wire.h"
#include "cache/snapshots/pack_store.h"

namespace limbeck::cache {
namespace {

constexpr uint8_t kVersion = 1;

}  // namespace

std::vector<uint32_t> Manifest::PackItems() const {
  std::vector<uint32_t> counts;
  counts.reserve(packs.size());
  for (const PackEntry& pack : packs) counts.push_back(pack.items);
  return counts;
}

std::string EncodeManifest(const Manifest& manifest) {
  std::string bytes;
  PutFixed<uint8_t>(&bytes, kVersion);
  PutString(&bytes, manifest.id);
  PutString(&bytes, manifest.domain);
  PutString(&bytes, manifest.display_name);
  PutFixed<uint64_t>(&bytes, static_cast<uint64_t>(manifest.create_micros));
  PutVarint(&bytes, manifest.packs.size());
  for (const Manifest::PackEntry& pack : manifest.packs) {
    PutString(&bytes, pack.name);
    PutVarint(&bytes, pack.items);
    PutVarint(&bytes, pack.bytes);
  }
  PutFixed<uint64_t>(&bytes, Xxh3(bytes));
  return bytes;
}

absl::StatusOr<Manifest> DecodeManifest(std::string_view bytes) {
  const absl::Status damaged = absl::DataLossError("damaged snapshot manifest");
  if (bytes.size() < 9) return damaged;
  uint64_t checksum = 0;
  WireReader(bytes.substr(bytes.size() - 8)).Fixed(&checksum);
  bytes.remove_suffix(8);
  if (checksum != Xxh3(bytes)) return damaged;
  WireReader in(bytes);
  Manifest manifest;
  uint8_t version = 0;
  uint64_t micros = 0, packs = 0;
  if (!in.Fixed(&version) || version != kVersion || !in.String(&manifest.id) ||
      !in.String(&manifest.domain) || !in.String(&manifest.display_name) || !in.Fixed(&micros) ||
      !in.Count(&packs)) {
    return damaged;
  }
  manifest.create_micros = static_cast<int64_t>(micros);
  manifest.packs.resize(packs);
  for (Manifest::PackEntry& pack : manifest.packs) {
    uint64_t items = 0, size = 0;
    if (!in.String(&pack.name) || !in.Varint(&items) || !in.Varint(&size) || items > UINT32_MAX ||
        size > UINT32_MAX) {
      return damaged;
    }
    pack.items = static_cast<uint32_t>(items);
    pack.bytes = static_cast<uint32_t>(size);
    manifest.items += items;
    manifest.bytes += size;
  }
  if (!in.AtEnd()) return damaged;
  return manifest;
}

absl::StatusOr<Manifest> ReadManifest(const kv::Reader& reader, const std::string& id) {
  if (!IsPackName(id)) {
    return absl::InvalidArgumentError("id: a snapshot's id is 64 hexadecimal digits");
  }
  LIMBECK_ASSIGN_OR_RETURN(const std::optional<std::string> row, reader.Get(kSnapshotTable, id));
  if (!row.has_value()) return absl::NotFoundError(absl::StrCat("no snapshot ", id));
  return DecodeManifest(*row);
}

}  // namespace limbeck::cache
