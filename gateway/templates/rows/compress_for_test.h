// Compressed bytes for tests of readers; the product only decompresses.
#pragma once

#include <string>
#include <string_view>

namespace limbeck::gateway {

// One gzip member.
std::string GzipForTest(std::string_view plain);
// One zstd frame.
std::string ZstdForTest(std::string_view plain);

}  // namespace limbeck::gateway
