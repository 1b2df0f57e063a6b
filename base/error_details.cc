#include "base/error_details.h"

#include <utility>

#include "absl/strings/cord.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/string_view.h"

namespace limbeck {
namespace {

constexpr char kViolationsUrl[] = "limbeck/field_violations";
constexpr char kReasonUrl[] = "limbeck/error_reason";

// A payload is a list of strings, each as "<size>:<bytes>".
void Append(std::string* payload, std::string_view part) {
  absl::StrAppend(payload, part.size(), ":", ToAbsl(part));
}

// What is well formed of `payload`.
std::vector<std::string> Parts(const absl::Cord& payload) {
  const std::string bytes(payload);
  std::string_view rest = bytes;
  std::vector<std::string> parts;
  while (!rest.empty()) {
    const size_t colon = rest.find(':');
    uint64_t size = 0;
    if (colon == std::string_view::npos ||
        !absl::SimpleAtoi(ToAbsl(rest.substr(0, colon)), &size) || size > rest.size() - colon - 1) {
      break;
    }
    parts.emplace_back(rest.substr(colon + 1, size));
    rest.remove_prefix(colon + 1 + size);
  }
  return parts;
}

}  // namespace

absl::Status WithFieldViolations(absl::Status status,
                                 const std::vector<FieldViolation>& violations) {
  std::string payload;
  for (const FieldViolation& violation : violations) {
    Append(&payload, violation.field);
    Append(&payload, violation.description);
  }
  status.SetPayload(kViolationsUrl, absl::Cord(payload));
  return status;
}

absl::Status WithReason(absl::Status status, std::string_view reason,
                        const std::map<std::string, std::string>& metadata) {
  std::string payload;
  Append(&payload, reason);
  for (const auto& [key, value] : metadata) {
    Append(&payload, key);
    Append(&payload, value);
  }
  status.SetPayload(kReasonUrl, absl::Cord(payload));
  return status;
}

std::vector<FieldViolation> GetFieldViolations(const absl::Status& status) {
  std::vector<FieldViolation> violations;
  const auto payload = status.GetPayload(kViolationsUrl);
  if (!payload.has_value()) return violations;
  std::vector<std::string> parts = Parts(*payload);
  for (size_t i = 0; i + 1 < parts.size(); i += 2) {
    violations.push_back({std::move(parts[i]), std::move(parts[i + 1])});
  }
  return violations;
}

std::optional<ErrorReason> GetReason(const absl::Status& status) {
  const auto payload = status.GetPayload(kReasonUrl);
  if (!payload.has_value()) return std::nullopt;
  std::vector<std::string> parts = Parts(*payload);
  if (parts.empty()) return std::nullopt;
  ErrorReason reason{std::move(parts[0]), {}};
  for (size_t i = 1; i + 1 < parts.size(); i += 2) reason.metadata[parts[i]] = parts[i + 1];
  return reason;
}

absl::Status InvalidFields(std::string_view what, const std::vector<FieldViolation>& violations) {
  if (violations.empty()) return absl::OkStatus();
  std::string message = absl::StrCat(ToAbsl(what), " has ", violations.size(),
                                     violations.size() == 1 ? " problem:" : " problems:");
  for (const FieldViolation& violation : violations) {
    absl::StrAppend(&message, "\n  ", violation.field, violation.field.empty() ? "" : ": ",
                    violation.description);
  }
  return WithFieldViolations(absl::InvalidArgumentError(message), violations);
}

}  // namespace limbeck
