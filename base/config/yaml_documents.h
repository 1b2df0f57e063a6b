// One YAML document, and only one. For base/config alone.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "yaml-cpp/yaml.h"

namespace limbeck::config {

// Null for a text without a document. INVALID_ARGUMENT, beginning with a verb: there are more.
// Throws what yaml-cpp throws.
//
// Not YAML::LoadAll, which never ends, and takes memory all the while, on a "," outside of a list:
// it finds another document in it each time.
absl::StatusOr<YAML::Node> LoadDocument(const std::string& text);

}  // namespace limbeck::config
