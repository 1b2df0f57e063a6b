#include "gateway/teachers/sse.h"

#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace limbeck::gateway {
namespace {

constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
constexpr std::string_view kDone = "[DONE]";
// Bytes already read that may stay in front of the buffer.
constexpr size_t kCompactAbove = 64 * 1024;

// Adds a line to `event`; false where the line is a comment or a field that says nothing here.
bool AddLine(std::string_view line, SseEvent* event, bool* has_data) {
  if (line.front() == ':') return false;
  const size_t colon = line.find(':');
  const std::string_view name = line.substr(0, colon);
  std::string_view value = colon == line.npos ? std::string_view() : line.substr(colon + 1);
  if (value.starts_with(' ')) value.remove_prefix(1);
  if (name == "event") {
    event->name = std::string(value);
    return true;
  }
  if (name != "data") return false;
  if (*has_data) event->data.push_back('\n');
  event->data.append(value);
  *has_data = true;
  return true;
}

}  // namespace

void SseReader::Feed(std::string_view piece) {
  if (begin_ > kCompactAbove) {
    buffer_.erase(0, begin_);
    begin_ = 0;
  }
  buffer_.append(piece);
}

std::optional<std::string_view> SseReader::NextLine() {
  if (after_cr_ && begin_ < buffer_.size()) {
    begin_ += buffer_[begin_] == '\n' ? 1 : 0;
    after_cr_ = false;
  }
  const size_t end = buffer_.find_first_of("\r\n", begin_);
  if (end == std::string::npos) return std::nullopt;
  std::string_view line(buffer_.data() + begin_, end - begin_);
  after_cr_ = buffer_[end] == '\r';
  begin_ = end + 1;
  if (std::exchange(at_start_, false) && line.starts_with(kByteOrderMark)) {
    line.remove_prefix(kByteOrderMark.size());
  }
  return line;
}

absl::StatusOr<std::optional<SseEvent>> SseReader::Next() {
  while (const auto line = NextLine()) {
    if (event_.data.size() + line->size() > max_event_bytes_) {
      return absl::ResourceExhaustedError(
          absl::StrCat("an event of the stream is longer than ", max_event_bytes_, " bytes"));
    }
    if (!line->empty()) {
      has_field_ = AddLine(*line, &event_, &has_data_) || has_field_;
      continue;
    }
    SseEvent event = std::exchange(event_, {});
    has_field_ = false;
    if (std::exchange(has_data_, false)) return event;
  }
  if (event_.data.size() + (buffer_.size() - begin_) > max_event_bytes_) {
    return absl::ResourceExhaustedError(
        absl::StrCat("an event of the stream is longer than ", max_event_bytes_, " bytes"));
  }
  return std::nullopt;
}

bool SseReader::mid_event() const {
  const bool only_line_feed = after_cr_ && std::string_view(buffer_).substr(begin_) == "\n";
  return has_field_ || (begin_ < buffer_.size() && !only_line_feed);
}

SseEvent SseReader::Unfinished() const {
  SseEvent event = event_;
  bool has_data = has_data_;
  std::string_view rest = std::string_view(buffer_).substr(begin_);
  if (after_cr_ && rest.starts_with('\n')) rest.remove_prefix(1);
  if (!rest.empty()) AddLine(rest, &event, &has_data);
  return event;
}

absl::StatusOr<SseBody> ReadSse(std::string_view body, size_t max_event_bytes) {
  SseReader reader(max_event_bytes);
  reader.Feed(body);
  SseBody result;
  while (true) {
    auto event = reader.Next();
    if (!event.ok()) return event.status();
    if (!event->has_value()) break;
    if ((*event)->data == kDone) {
      result.done = true;
      return result;
    }
    result.events.push_back(*std::move(*event));
  }
  result.done = reader.Unfinished().data == kDone;
  result.cut = !result.done && reader.mid_event();
  return result;
}

std::string_view SkipSseComments(std::string_view body) {
  if (body.starts_with(kByteOrderMark)) body.remove_prefix(kByteOrderMark.size());
  while (true) {
    const size_t start = body.find_first_not_of(" \t\r\n");
    if (start == body.npos) return {};
    body.remove_prefix(start);
    if (body.front() != ':') return body;
    const size_t end = body.find_first_of("\r\n");
    if (end == body.npos) return {};
    body.remove_prefix(end);
  }
}

bool LooksLikeSse(std::string_view body) {
  body = SkipSseComments(body);
  for (const std::string_view field : {"data:", "event:", "id:", "retry:"}) {
    if (body.starts_with(field)) return true;
  }
  return false;
}

}  // namespace limbeck::gateway
