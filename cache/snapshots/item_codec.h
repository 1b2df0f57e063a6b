// One item of a snapshot in bytes: an example and its records. Format: docs/formats/pack.md. The
// same bytes lie in packs and travel in StreamPacksResponse.items.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "cache/client/cache_client.h"

namespace limbeck::cache {

inline constexpr size_t kMaxItemBytes = 12u << 20;

struct PackedItem {
  TrainingExample example;
  std::vector<std::string> records;  // Encoded, in order of sample index.
};

// An item begins with four bytes that say how many follow.
inline constexpr size_t kItemSizeBytes = 4;
// Bytes of the whole item that begins with `head`, of at least kItemSizeBytes.
size_t ItemBytes(std::string_view head);

std::string EncodeItem(const TrainingExample& example, const std::vector<std::string>& records);

// Reads the first item of `*bytes` and moves past it. DATA_LOSS when malformed.
absl::StatusOr<PackedItem> DecodeItem(std::string_view* bytes);

}  // namespace limbeck::cache
