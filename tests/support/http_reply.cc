#include "tests/support/http_reply.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace limbeck::testing {
namespace {

constexpr size_t kChunkBytes = 256;

std::string Chunks(const std::string& body) {
  std::string out;
  for (size_t i = 0; i < body.size(); i += kChunkBytes) {
    const std::string chunk = body.substr(i, kChunkBytes);
    absl::StrAppend(&out, absl::Hex(chunk.size()), "\r\n", chunk, "\r\n");
  }
  return out + "0\r\n\r\n";
}

}  // namespace

std::string Serialize(const HttpReply& reply, bool keep_alive) {
  std::string out = absl::StrCat("HTTP/1.1 ", reply.status, " X\r\n");
  for (const auto& [name, value] : reply.headers) absl::StrAppend(&out, name, ": ", value, "\r\n");
  if (reply.chunked) {
    absl::StrAppend(&out, "Transfer-Encoding: chunked\r\n");
  } else {
    absl::StrAppend(&out, "Content-Length: ", reply.body.size() * reply.body_repeats, "\r\n");
  }
  if (!keep_alive) absl::StrAppend(&out, "Connection: close\r\n");
  out += "\r\n";
  const std::string body = reply.chunked ? Chunks(reply.body) : reply.body;
  const size_t half = out.size() + body.size() / 2;
  out += body;
  if (reply.ending != Ending::kWhole) out.resize(std::min(out.size(), reply.cut_at.value_or(half)));
  return out;
}

}  // namespace limbeck::testing
