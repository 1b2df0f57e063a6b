// The safetensors format (huggingface/safetensors): 8 bytes of header length, little endian; a JSON
// header; tensor data. Our own reader and writer, for float32 only.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace limbeck::trainer {

struct TensorView {
  std::string name;
  std::vector<int64_t> shape;
  std::span<const float> values;
};

struct Tensor {
  std::vector<int64_t> shape;
  std::vector<float> values;
};

struct TensorFile {
  std::map<std::string, Tensor> tensors;
  std::map<std::string, std::string> metadata;
};

// Longest header that is read.
inline constexpr uint64_t kMaxSafetensorsHeader = 16u << 20;

// Tensors in the given order without gaps, header padded with spaces to a multiple of 8. Names must
// be distinct and not "__metadata__"; shapes must fit the values.
std::string EncodeSafetensors(std::span<const TensorView> tensors,
                              const std::map<std::string, std::string>& metadata);

// DATA_LOSS for anything but a well-formed file: header too long or not JSON, unknown type, shape
// that overflows or does not fit its bytes, offsets that overlap, leave holes or do not end with
// the file. Memory used is bounded by the file's size.
absl::StatusOr<TensorFile> DecodeSafetensors(std::string_view file);

}  // namespace limbeck::trainer
