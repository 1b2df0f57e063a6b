// What record_encode.cc writes and record_decode.cc expects. Format: docs/formats/record.md.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace limbeck::cache::record_layout {

inline constexpr std::string_view kMagic = "LMBR";
inline constexpr uint8_t kVersion = 1;
inline constexpr uint8_t kProfileF32 = 0;
inline constexpr size_t kHeaderBytes = 40;
inline constexpr size_t kTrailerBytes = 8;
inline constexpr uint8_t kTokenHasLogprob = 1;
inline constexpr uint8_t kTokenLossy = 2;

}  // namespace limbeck::cache::record_layout
