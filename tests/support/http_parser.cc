#include "tests/support/http_parser.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "base/string_view.h"

namespace limbeck::testing {
namespace {

constexpr size_t kMaxHeaderBytes = 64 * 1024;
constexpr size_t kMaxBodyBytes = 64u << 20;

}  // namespace

std::string_view HttpRequest::header(std::string_view name) const {
  for (const auto& [key, value] : headers) {
    if (absl::EqualsIgnoreCase(key, ToAbsl(name))) return value;
  }
  return {};
}

ParseResult ParseHttpRequest(std::string_view buffer, HttpRequest* request, size_t* used) {
  const size_t header_end = buffer.find("\r\n\r\n");
  if (header_end == buffer.npos) {
    return buffer.size() > kMaxHeaderBytes ? ParseResult::kBad : ParseResult::kIncomplete;
  }
  std::string_view head = buffer.substr(0, header_end);
  const std::string_view line = head.substr(0, head.find("\r\n"));
  const size_t first = line.find(' ');
  const size_t second = line.find(' ', first + 1);
  if (first == line.npos || second == line.npos) return ParseResult::kBad;
  *request = HttpRequest();
  request->method = std::string(line.substr(0, first));
  request->target = std::string(line.substr(first + 1, second - first - 1));
  request->keep_alive = line.ends_with("HTTP/1.1");
  size_t body_bytes = 0;
  head.remove_prefix(std::min(head.size(), line.size() + 2));
  while (!head.empty()) {
    const size_t end = head.find("\r\n");
    const std::string_view field = head.substr(0, end);
    head.remove_prefix(end == head.npos ? head.size() : end + 2);
    const size_t colon = field.find(':');
    if (colon == field.npos) return ParseResult::kBad;
    const absl::string_view name = ToAbsl(field.substr(0, colon));
    const absl::string_view value = absl::StripAsciiWhitespace(ToAbsl(field.substr(colon + 1)));
    if (absl::EqualsIgnoreCase(name, "content-length")) {
      if (!absl::SimpleAtoi(value, &body_bytes) || body_bytes > kMaxBodyBytes) {
        return ParseResult::kBad;
      }
    }
    if (absl::EqualsIgnoreCase(name, "transfer-encoding")) return ParseResult::kBad;
    if (absl::EqualsIgnoreCase(name, "connection")) {
      request->keep_alive = !absl::EqualsIgnoreCase(value, "close");
    }
    request->headers.emplace_back(std::string(name), std::string(value));
  }
  if (buffer.size() < header_end + 4 + body_bytes) return ParseResult::kIncomplete;
  request->body = std::string(buffer.substr(header_end + 4, body_bytes));
  *used = header_end + 4 + body_bytes;
  return ParseResult::kComplete;
}

}  // namespace limbeck::testing
