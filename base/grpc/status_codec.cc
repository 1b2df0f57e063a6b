#include "base/grpc/status_codec.h"

#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/error_details.h"
#include "base/log.h"
#include "base/string_view.h"
#include "base/utf8.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"

namespace limbeck::rpc {
namespace {

// Percent-encoding on the wire may treble the message's bytes; with the details it stays below the
// default limit of 8 KiB for all of a call's metadata.
constexpr size_t kMaxMessageBytes = 1024;
constexpr size_t kMaxDetailsBytes = 4096;
constexpr size_t kMaxTextBytes = 512;  // Of one field path, description or metadata value.
constexpr char kErrorDomain[] = "limbeck";

std::string Clean(std::string_view text, size_t max_bytes) {
  const std::string valid = ReplaceInvalidUtf8(Redact(text));
  const std::string_view kept = TruncateUtf8(valid, max_bytes);
  return kept.size() == valid.size() ? valid : absl::StrCat(ToAbsl(kept), "…");
}

void AddReason(const ErrorReason& reason, google::rpc::Status* wire) {
  google::rpc::ErrorInfo info;
  info.set_reason(Clean(reason.reason, kMaxTextBytes));
  info.set_domain(kErrorDomain);
  for (const auto& [key, value] : reason.metadata) {
    if (info.ByteSizeLong() > kMaxDetailsBytes / 2) break;
    (*info.mutable_metadata())[Clean(key, kMaxTextBytes)] = Clean(value, kMaxTextBytes);
  }
  wire->add_details()->PackFrom(info);
}

void AddViolations(const std::vector<FieldViolation>& violations, google::rpc::Status* wire) {
  google::rpc::BadRequest bad_request;
  size_t room = kMaxDetailsBytes - std::min(kMaxDetailsBytes, wire->ByteSizeLong());
  for (size_t i = 0; i < violations.size(); ++i) {
    google::rpc::BadRequest::FieldViolation violation;
    violation.set_field(Clean(violations[i].field, kMaxTextBytes));
    violation.set_description(Clean(violations[i].description, kMaxTextBytes));
    if (violation.ByteSizeLong() + 128 > room) {
      bad_request.add_field_violations()->set_description(
          absl::StrCat("and ", violations.size() - i, " more"));
      break;
    }
    room -= violation.ByteSizeLong() + 4;
    *bad_request.add_field_violations() = violation;
  }
  wire->add_details()->PackFrom(bad_request);
}

}  // namespace

grpc::Status ToGrpc(const absl::Status& status) {
  if (status.ok()) return grpc::Status::OK;
  const auto code = static_cast<grpc::StatusCode>(status.code());
  const std::string message = Clean(ToStd(status.message()), kMaxMessageBytes);
  const auto reason = GetReason(status);
  const std::vector<FieldViolation> violations = GetFieldViolations(status);
  if (!reason.has_value() && violations.empty()) return grpc::Status(code, message);
  // The message travels in its own trailer; repeating it here would take the details' room.
  google::rpc::Status wire;
  wire.set_code(static_cast<int>(code));
  if (reason.has_value()) AddReason(*reason, &wire);
  if (!violations.empty()) AddViolations(violations, &wire);
  return grpc::Status(code, message, wire.SerializeAsString());
}

absl::Status FromGrpc(const grpc::Status& status) {
  if (status.ok()) return absl::OkStatus();
  absl::Status result(static_cast<absl::StatusCode>(status.error_code()), status.error_message());
  google::rpc::Status wire;
  if (status.error_details().empty() || !wire.ParseFromString(status.error_details())) {
    return result;
  }
  for (const google::protobuf::Any& detail : wire.details()) {
    google::rpc::ErrorInfo info;
    google::rpc::BadRequest bad_request;
    if (detail.UnpackTo(&info)) {
      result = WithReason(result, info.reason(), {info.metadata().begin(), info.metadata().end()});
    } else if (detail.UnpackTo(&bad_request)) {
      std::vector<FieldViolation> violations;
      for (const auto& violation : bad_request.field_violations()) {
        violations.push_back({violation.field(), violation.description()});
      }
      result = WithFieldViolations(result, violations);
    }
  }
  return result;
}

}  // namespace limbeck::rpc
