// Reads a student's configuration with one error that names the field.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace limbeck::trainer {

// A flat JSON object of numbers and strings. Immutable.
class ConfigFields {
 public:
  // INVALID_ARGUMENT unless `json` is an object.
  static absl::StatusOr<ConfigFields> Parse(std::string_view json);

  // Field `name` or `fallback` where it is absent; INVALID_ARGUMENT outside [low, high].
  absl::StatusOr<uint32_t> Unsigned(std::string_view name, uint32_t fallback, uint32_t low,
                                    uint32_t high) const;
  absl::StatusOr<double> Number(std::string_view name, double fallback, double low,
                                double high) const;
  // Empty where it is absent or no string.
  std::string String(std::string_view name) const;

 private:
  std::string json_;  // Valid; parsed again per field, which keeps the parser out of this header.
};

}  // namespace limbeck::trainer
