// Server-sent events: how providers stream answers.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace limbeck::gateway {

// One event with its lines, whatever it is made of; a provider's chunk is a few KiB.
inline constexpr size_t kMaxSseEventBytes = 4u << 20;

struct SseEvent {
  std::string name;  // Of the `event:` line; empty where there is none.
  std::string data;  // The `data:` lines, joined by line feeds.
};

// Takes a body in pieces of any size, cut anywhere, also inside a character or between CR and LF.
// Comments, blank lines, `id:` and `retry:` are skipped; lines end in LF, CR LF or CR. Source:
// WHATWG HTML, "Server-sent events". Not thread-safe.
class SseReader {
 public:
  explicit SseReader(size_t max_event_bytes = kMaxSseEventBytes)
      : max_event_bytes_(max_event_bytes) {}

  // Appends a piece of the body.
  void Feed(std::string_view piece);

  // The next complete event, or nothing until more is fed. RESOURCE_EXHAUSTED: an event is longer
  // than the limit; the reader is then of no further use.
  absl::StatusOr<std::optional<SseEvent>> Next();

  // Whether an event was begun and not ended. At the end of a body this means that it was cut.
  bool mid_event() const;

  // The event that was begun, as far as whole lines and the rest of the body say; for the last
  // event of a body that lacks its blank line.
  SseEvent Unfinished() const;

 private:
  // The next whole line without its end, or nothing.
  std::optional<std::string_view> NextLine();

  const size_t max_event_bytes_;
  std::string buffer_;
  size_t begin_ = 0;  // Of the first line not taken yet.
  bool at_start_ = true;
  bool after_cr_ = false;
  SseEvent event_;
  bool has_field_ = false;
  bool has_data_ = false;
};

// A whole body.
struct SseBody {
  std::vector<SseEvent> events;  // Without `[DONE]` and whatever follows it.
  bool done = false;             // `data: [DONE]` was there, with or without its blank line.
  bool cut = false;              // It ends inside an event. Never together with `done`.
};

// RESOURCE_EXHAUSTED: an event is longer than `max_event_bytes`.
absl::StatusOr<SseBody> ReadSse(std::string_view body, size_t max_event_bytes = kMaxSseEventBytes);

// `body` from its first byte that is neither white space nor a comment line: some hosts send those
// before an answer, streamed or not, to keep the connection busy.
std::string_view SkipSseComments(std::string_view body);

// Whether a body is a stream rather than JSON: after blank lines and comments comes a field.
bool LooksLikeSse(std::string_view body);

}  // namespace limbeck::gateway
