// Where sealed packs lie: the second seam to durable state. Content-addressed, write-once. Drivers
// live in folders beside this header and pass pack_store_conformance.h.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace limbeck::cache {

// Thread-safe.
class PackStore {
 public:
  virtual ~PackStore() = default;
  // Stores `bytes` durably under its name, 64 hexadecimal digits of SHA-256, and returns it.
  // Idempotent; repairs a damaged copy. RESOURCE_EXHAUSTED: no space. UNAVAILABLE: try again.
  virtual absl::StatusOr<std::string> Put(std::string_view bytes) = 0;
  // The bytes of a pack, checked against its name. NOT_FOUND, DATA_LOSS; INVALID_ARGUMENT for what
  // is not a name.
  virtual absl::StatusOr<std::string> Get(std::string_view name) = 0;
};

// Whether `name` is 64 lower-case hexadecimal digits.
bool IsPackName(std::string_view name);

}  // namespace limbeck::cache
