#include "gateway/teachers/exchange.h"

#include <nlohmann/json.hpp>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/string_view.h"
#include "gateway/teachers/canonical.h"
#include "gateway/teachers/rate_headers.h"

namespace limbeck::gateway {

using nlohmann::json;

http::Request NewRequest(const TeacherConfig& config, const TeacherQuery& query, std::string url,
                         std::string body) {
  http::Request request;
  request.url = std::move(url);
  request.body = std::move(body);
  request.headers = {{"Content-Type", "application/json"},
                     {"Idempotency-Key", IdempotencyKey(config, query)}};
  request.connect_timeout = config.timeouts.connect;
  request.total_timeout = config.timeouts.total;
  request.idle_timeout = config.timeouts.idle;
  request.max_response_bytes = config.max_response_bytes;
  return request;
}

Secret KeyOf(const TeacherConfig& config) {
  if (config.access_token != nullptr) {
    absl::StatusOr<Secret> current = config.access_token->Current();
    if (current.ok()) return *std::move(current);
  }
  return config.api_key;
}

void AddKeyHeader(std::string_view name, const Secret& key, http::Request* request) {
  if (key.empty()) return;
  request->headers.push_back({std::string(name), std::string(key.Reveal())});
}

void AddBearer(const Secret& key, http::Request* request) {
  if (key.empty()) return;
  request->headers.push_back({"Authorization", "Bearer " + std::string(key.Reveal())});
}

std::string_view RoleName(Role role) {
  switch (role) {
    case Role::kSystem:
      return "system";
    case Role::kAssistant:
      return "assistant";
    case Role::kUser:
      break;
  }
  return "user";
}

void StampAnswer(const TeacherConfig& config, std::string_view kind, const TeacherQuery& query,
                 const http::Response& response, absl::Time now, cache::SoftOutput* output) {
  output->top_logprobs = query.top_logprobs;
  output->provenance.teacher = config.name;
  output->provenance.provider_kind = std::string(kind);
  output->provenance.request_id = RequestId(response);
  output->provenance.unix_micros = absl::ToUnixMicros(now);
}

absl::Status CheckUserJson(std::string_view what, std::string_view text) {
  bool too_deep = false;
  const auto watch = [&too_deep](int depth, json::parse_event_t, const json&) {
    too_deep = too_deep || depth > static_cast<int>(kMaxUserJsonDepth);
    return !too_deep;
  };
  // What is dropped while parsing is not built, so that the depth costs no stack.
  const json parsed = json::parse(text, watch, false);
  if (too_deep) {
    return absl::InvalidArgumentError(
        absl::StrCat(ToAbsl(what), " nests deeper than ", kMaxUserJsonDepth, " levels"));
  }
  if (parsed.is_discarded()) {
    return absl::InvalidArgumentError(absl::StrCat(ToAbsl(what), " is not JSON"));
  }
  return absl::OkStatus();
}

Failure StreamCut(const http::Response& response) {
  Failure failure = Garbled(response, "STREAM_CUT", "the teacher's stream ends before its end");
  failure.cls = FailureClass::kRetryable;
  return failure;
}

Failure StreamError(const http::Response& response, const SseEvent& event, absl::Time now) {
  ErrorBody error = ParseErrorBody(event.data);
  if (!error.present) {
    error.present = true;
    error.message = event.data;
  }
  return ClassifyError(response, error, now);
}

Failure StreamTooLarge(const http::Response& response, const absl::Status& status) {
  return Garbled(response, "EVENT_TOO_LARGE", ToStd(status.message()));
}

}  // namespace limbeck::gateway
