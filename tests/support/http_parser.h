// Just enough HTTP/1.1 for a test server: requests with Content-Length, keep-alive, pipelining.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace limbeck::testing {

struct HttpRequest {
  std::string method;
  std::string target;  // "/v1/chat/completions"
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
  bool keep_alive = true;

  // Empty when absent; compared without case.
  std::string_view header(std::string_view name) const;
};

enum class ParseResult { kComplete, kIncomplete, kBad };

// Reads one request from the front of `buffer`. On kComplete `*used` bytes belong to it.
ParseResult ParseHttpRequest(std::string_view buffer, HttpRequest* request, size_t* used);

}  // namespace limbeck::testing
