// An answer's JSON values, whether it came whole or as server-sent events.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace limbeck::gateway {

struct JsonEvents {
  std::vector<nlohmann::json> list;  // What is no JSON is a discarded value.
  bool streamed = false;
  bool cut = false;  // The stream ends inside an event.
};

// The events of a stream without `[DONE]`, or the one value that is the whole body.
// RESOURCE_EXHAUSTED: an event is too long.
absl::StatusOr<JsonEvents> ReadJsonEvents(const std::string& body);

}  // namespace limbeck::gateway
