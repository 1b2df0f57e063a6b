// The reader of server-sent events on any body, cut into pieces of any size: byte 0 is the largest
// piece. The events must be the same as of the body in one piece.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gateway/teachers/sse.h"
#include "tests/fuzz/fuzz_input.h"

namespace limbeck::gateway {
namespace {

constexpr size_t kMaxEventBytes = 1024;

struct Reading {
  std::vector<std::pair<std::string, std::string>> events;
  bool refused = false;
  bool mid_event = false;

  friend bool operator==(const Reading&, const Reading&) = default;
};

// Everything that is ready; false once the reader is of no further use.
bool Drain(SseReader& reader, Reading* reading) {
  for (;;) {
    const auto event = reader.Next();
    if (!event.ok()) {
      reading->refused = true;
      return false;
    }
    if (!event->has_value()) return true;
    reading->events.emplace_back((*event)->name, (*event)->data);
  }
}

Reading ReadInPieces(std::string_view body, size_t piece) {
  SseReader reader(kMaxEventBytes);
  Reading reading;
  for (size_t at = 0; at < body.size(); at += piece) {
    reader.Feed(body.substr(at, piece));
    if (!Drain(reader, &reading)) return reading;
  }
  reading.mid_event = reader.mid_event();
  return reading;
}

void ReadEvents(fuzz::FuzzInput input) {
  const size_t piece = std::max<size_t>(1, input.Byte());
  const std::string_view body = input.Rest();
  const Reading whole = ReadInPieces(body, std::max<size_t>(1, body.size()));
  const Reading pieces = ReadInPieces(body, piece);
  // How much of a body that is refused was read before depends on the pieces.
  if (whole.refused || pieces.refused) return;
  if (!(whole == pieces)) std::abort();
}

}  // namespace
}  // namespace limbeck::gateway

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  limbeck::gateway::ReadEvents({data, size});
  return 0;
}
