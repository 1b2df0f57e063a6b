// What a snapshot consists of; a row in the key-value engine.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/kv/engine.h"
#include "cache/client/cache_client.h"

namespace limbeck::cache {

// snapshot id → Manifest
inline constexpr std::string_view kSnapshotTable = "snap";

struct Manifest {
  struct PackEntry {
    std::string name;  // In the pack store.
    uint32_t items = 0;
    uint32_t bytes = 0;
  };

  std::string id;  // 64 hexadecimal digits.
  std::string domain;
  std::string display_name;
  int64_t create_micros = 0;
  uint64_t items = 0;
  uint64_t bytes = 0;  // Of all packs.
  std::vector<PackEntry> packs;

  std::vector<uint32_t> PackItems() const;
};

std::string EncodeManifest(const Manifest& manifest);
absl::StatusOr<Manifest> DecodeManifest(std::string_view bytes);

// NOT_FOUND names the id; INVALID_ARGUMENT for what is not an id.
absl::StatusOr<Manifest> ReadManifest(const kv::Reader& reader, const std::string& id);

}  // namespace limbeck::cache
