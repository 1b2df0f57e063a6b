// Machine-readable reasons on a status, until base/error_details.h lands.
#pragma once
#include <string>
#include "absl/status/status.h"
#include "absl/strings/cord.h"
namespace limbeck::cache {
inline absl::Status WithReason(absl::Status s, const std::string& reason) {
  s.SetPayload("limbeck/reason", absl::Cord(reason));
  return s;
}
inline std::string ReasonOf(const absl::Status& s) {
  auto p = s.GetPayload("limbeck/reason");
  return p ? std::string(*p) : "";
}
}  // namespace limbeck::cache
