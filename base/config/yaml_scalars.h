// Scalars of a YAML file, typed by the field they are for. Part of yaml.cc.
#pragma once

#include <google/protobuf/descriptor.h>

#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace limbeck::config {

struct Scalar {
  std::string text;
  // Quoted, block or tagged !!str: text whatever it looks like.
  bool quoted = false;
};

// `text` as a JSON string.
std::string JsonQuote(std::string_view text);

// Whether YAML's core schema reads the unquoted `text` as a number, a bool or null.
bool LooksTyped(std::string_view text);
bool LooksNull(std::string_view text);

// JSON for the value of `field`, which is not a message. The error's message says what was expected
// and what was found: `expected true or false, got "yes"`.
absl::StatusOr<std::string> ScalarToJson(const google::protobuf::FieldDescriptor& field,
                                         const Scalar& scalar);

// JSON for the string forms of well-known messages: Duration, Timestamp, FieldMask.
bool HasStringForm(const google::protobuf::Descriptor& message);
absl::StatusOr<std::string> StringFormToJson(const google::protobuf::Descriptor& message,
                                             const Scalar& scalar);

// JSON for a scalar without a field (google.protobuf.Struct and Value).
std::string UntypedToJson(const Scalar& scalar);

}  // namespace limbeck::config
