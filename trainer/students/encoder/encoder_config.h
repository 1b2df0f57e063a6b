// Settings of the encoder and their limits.
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "trainer/students/config_fields.h"

namespace limbeck::trainer {

struct EncoderConfig {
  uint32_t labels = 2;
  uint32_t width = 128;
  uint32_t layers = 2;
  uint32_t heads = 4;
  uint32_t max_tokens = 64;
  uint32_t vocabulary_bits = 15;
  double dropout = 0.1;

  uint32_t hidden() const { return 4 * width; }
  std::string ToJson() const;
};

// INVALID_ARGUMENT names the field out of range.
absl::StatusOr<EncoderConfig> ParseEncoderConfig(const ConfigFields& fields, size_t labels);

}  // namespace limbeck::trainer
