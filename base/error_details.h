// What an error says beyond code and message, in plain structs. They travel inside an absl::Status;
// base/grpc/status_codec.h carries them over the wire as google.rpc.BadRequest and ErrorInfo.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"

namespace limbeck {

// One thing wrong with a request. `field` is a path as in the request's JSON form:
// "spec.teachers[0].model".
struct FieldViolation {
  std::string field;
  std::string description;

  friend bool operator==(const FieldViolation&, const FieldViolation&) = default;
};

// Why a request was refused, for programs: "BUDGET_EXCEEDED" with {"ceiling": "…"}.
struct ErrorReason {
  std::string reason;
  std::map<std::string, std::string> metadata;

  friend bool operator==(const ErrorReason&, const ErrorReason&) = default;
};

// `status` with the details attached, replacing earlier ones of that kind. OK stays OK: it cannot
// carry any.
absl::Status WithFieldViolations(absl::Status status,
                                 const std::vector<FieldViolation>& violations);
absl::Status WithReason(absl::Status status, std::string_view reason,
                        const std::map<std::string, std::string>& metadata = {});

// Empty where there are none.
std::vector<FieldViolation> GetFieldViolations(const absl::Status& status);
std::optional<ErrorReason> GetReason(const absl::Status& status);

// INVALID_ARGUMENT that lists all of `violations` in its message, one a line, and attaches them;
// OK when there are none.
absl::Status InvalidFields(std::string_view what, const std::vector<FieldViolation>& violations);

}  // namespace limbeck
