// Parameters in PostgreSQL's binary format.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace limbeck::kv {

// Types of parameters: the built-in object ids of pg_type, which other servers keep to.
inline constexpr uint32_t kBytes = 17;
inline constexpr uint32_t kInteger = 20;
inline constexpr uint32_t kBytesArray = 1001;

std::string EncodeInteger(int64_t value);
// One dimension, no nulls. Array format: array_recv in src/backend/utils/adt/arrayfuncs.c.
std::string EncodeBytesArray(const std::vector<std::string>& values);

}  // namespace limbeck::kv
