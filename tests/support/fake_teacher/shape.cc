#include "tests/support/fake_teacher/shape.h"

#include "absl/strings/str_cat.h"

namespace limbeck::testing {
namespace {

using nlohmann::json;

constexpr std::string_view kBearer = "Bearer ";

std::string Dump(const json& body) {
  return body.dump(-1, ' ', false, json::error_handler_t::replace);
}

}  // namespace

std::string_view Shape::Credential(const HttpRequest& request) const {
  std::string_view value = request.header("Authorization");
  return value.starts_with(kBearer) ? value.substr(kBearer.size()) : std::string_view();
}

WireAnswer JsonAnswer(int status, const json& body) {
  return {status, {{"Content-Type", "application/json"}}, Dump(body)};
}

WireAnswer SseAnswer(const std::vector<json>& events, bool done) {
  WireAnswer answer{200, {{"Content-Type", "text/event-stream"}}, ""};
  for (const json& event : events) absl::StrAppend(&answer.body, "data: ", Dump(event), "\n\n");
  if (done) answer.body += "data: [DONE]\n\n";
  return answer;
}

int UsualStatus(const WireError& error) {
  if (error.status != 0) return error.status;
  switch (error.kind) {
    case WireErrorKind::kRateLimited:
      return 429;
    case WireErrorKind::kBilling:
      return 402;
    case WireErrorKind::kBadKey:
      return 401;
    case WireErrorKind::kNotFound:
      return 404;
    case WireErrorKind::kInvalid:
      return 400;
    case WireErrorKind::kServer:
      break;
  }
  return 500;
}

}  // namespace limbeck::testing
