// YAML files as protobuf messages, strictly: the file is the message's JSON mapping and nothing
// else, and every problem is reported at once.
#pragma once

#include <google/protobuf/message.h>

#include <cstddef>
#include <string>
#include <string_view>

#include "absl/status/status.h"

namespace limbeck::config {

struct YamlLimits {
  size_t max_bytes = 1u << 20;
  // Nodes visited; an alias counts each time it is used, so that nested aliases cannot blow up.
  size_t max_nodes = 100'000;
  size_t max_depth = 64;
  // Problems reported; more are counted.
  size_t max_violations = 100;
};

// Replaces `*message` by the content of `text`; leaves it alone on an error. `name` is shown in
// messages ("job.yaml"). An empty text is an empty message.
//
// Errors: INVALID_ARGUMENT with field violations (base/error_details.h), one for each unknown or
// doubled field, wrong type, value out of range, unknown enum name or second member of a oneof;
// RESOURCE_EXHAUSTED for a limit. Numbers may be quoted, strings that look like a number, a bool or
// null must be. Never throws.
absl::Status ParseYaml(std::string_view text, std::string_view name,
                       google::protobuf::Message* message, const YamlLimits& limits = {});

// As ParseYaml, but where only fields are wrong `*message` holds the rest beside the error: a
// caller with checks of its own can then report everything in one round. Fields at fault are unset,
// list entries at fault empty or left out.
absl::Status ParseYamlPartly(std::string_view text, std::string_view name,
                             google::protobuf::Message* message, const YamlLimits& limits = {});

// ParseYaml on a file's content.
absl::Status ReadYamlFile(const std::string& path, google::protobuf::Message* message,
                          const YamlLimits& limits = {});

}  // namespace limbeck::config
