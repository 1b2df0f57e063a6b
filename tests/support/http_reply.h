// What a test server answers, and all the ways in which it does not quite.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/time.h"

namespace limbeck::testing {

enum class Ending {
  kWhole,        // The whole answer.
  kResetBefore,  // RST without a byte.
  kResetMid,     // A part, then RST.
  kCloseMid,     // A part, then FIN: a cut answer.
  kHoldMid,      // A part, then nothing more; the connection stays open.
  kHang          // Never a byte; the connection stays open.
};

struct HttpReply {
  int status = 200;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
  absl::Duration delay;
  Ending ending = Ending::kWhole;
  // Of the endings in the middle: bytes of the answer, its head included, that are sent before;
  // absent: the head and half of the body.
  std::optional<size_t> cut_at;
  // The body in chunks instead of under a Content-Length.
  bool chunked = false;
  // The body so many times over, made while it is sent.
  size_t body_repeats = 1;
  // Between two bytes, when not zero: a byte at a time.
  absl::Duration byte_interval;
  // The exact bytes to send instead of all of the above (but `delay`); not owned, must live as
  // long as the server. For benchmarks.
  const std::string* raw = nullptr;
};

// The bytes of `reply` on the wire, as far as its ending lets them out, with the body once.
std::string Serialize(const HttpReply& reply, bool keep_alive);

}  // namespace limbeck::testing
