#include "base/kv/postgres/binary_values.h"

namespace limbeck::kv {
namespace {

void AppendBigEndian(std::string* out, uint64_t value, int bytes) {
  for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8) {
    out->push_back(static_cast<char>((value >> shift) & 0xff));
  }
}

}  // namespace

std::string EncodeInteger(int64_t value) {
  std::string out;
  AppendBigEndian(&out, static_cast<uint64_t>(value), 8);
  return out;
}

std::string EncodeBytesArray(const std::vector<std::string>& values) {
  std::string out;
  AppendBigEndian(&out, values.empty() ? 0 : 1, 4);  // Dimensions.
  AppendBigEndian(&out, 0, 4);                       // No nulls.
  AppendBigEndian(&out, kBytes, 4);
  if (values.empty()) return out;
  AppendBigEndian(&out, values.size(), 4);
  AppendBigEndian(&out, 1, 4);  // Lower bound.
  for (const std::string& value : values) {
    AppendBigEndian(&out, value.size(), 4);
    out += value;
  }
  return out;
}

}  // namespace limbeck::kv
