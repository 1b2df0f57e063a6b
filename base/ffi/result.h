// Turns what limbeck_ffi.h hands out into C++ values; used inside this folder only.
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "base/ffi/limbeck_ffi.h"

namespace limbeck {

inline const uint8_t* FfiBytes(const char* data) { return reinterpret_cast<const uint8_t*>(data); }

// Copies `text` and frees it.
inline std::string TakeFfiString(limbeck_string text) {
  std::string copy(reinterpret_cast<const char*>(text.data), text.size);
  limbeck_string_free(text);
  return copy;
}

// OK, or the error sentence under the code that fits; frees `error` when it was set.
inline absl::Status TakeFfiStatus(int32_t status, limbeck_string error) {
  switch (status) {
    case LIMBECK_FFI_OK:
      return absl::OkStatus();
    case LIMBECK_FFI_INVALID:
      return absl::InvalidArgumentError(TakeFfiString(error));
    case LIMBECK_FFI_EXHAUSTED:
      return absl::ResourceExhaustedError(TakeFfiString(error));
    default:
      return absl::InternalError(TakeFfiString(error));
  }
}

}  // namespace limbeck
