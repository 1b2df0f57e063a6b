#include "gateway/templates/rows/record_splitter.h"

#include <string_view>
#include <utility>

namespace limbeck::gateway {
namespace {

// In TSV a line of tabs is a record of empty fields.
bool IsBlank(std::string_view bytes, RecordKind kind) {
  const std::string_view blanks = kind == RecordKind::kTsvRecord ? " \r" : " \t\r";
  return bytes.find_first_not_of(blanks) == std::string_view::npos;
}

// Follows RFC 4180's quotes: one opens a field only as its first byte, and a doubled one inside is
// data. The CSV parser judges everything else, so a stray quote costs one record and no more.
class QuoteState {
 public:
  explicit QuoteState(char delimiter) : delimiter_(delimiter) {}

  void Take(int byte) {
    switch (state_) {
      case State::kFieldStart:
        state_ = byte == '"' ? State::kQuoted : After(byte);
        break;
      case State::kPlain:
        state_ = After(byte);
        break;
      case State::kQuoted:
        if (byte == '"') state_ = State::kQuoteInQuoted;
        break;
      case State::kQuoteInQuoted:
        state_ = byte == '"' ? State::kQuoted : After(byte);
        break;
    }
  }
  bool inside() const { return state_ == State::kQuoted; }

 private:
  enum class State { kFieldStart, kPlain, kQuoted, kQuoteInQuoted };
  State After(int byte) const { return byte == delimiter_ ? State::kFieldStart : State::kPlain; }

  const char delimiter_;
  State state_ = State::kFieldStart;
};

// False when there was nothing left to read.
bool ReadAny(ByteSource& source, RecordKind kind, size_t max_bytes, RawRecord& record) {
  record = {source.offset(), std::move(record.bytes), false, false};
  record.bytes.clear();
  const bool lines = kind == RecordKind::kLine;
  QuoteState quotes(kind == RecordKind::kTsvRecord ? '\t' : ',');
  bool any = false;
  while (true) {
    const int byte = source.Next();
    if (byte == ByteSource::kEnd) {
      record.unclosed_quote = !lines && quotes.inside();
      break;
    }
    any = true;
    if (byte == '\n' && (lines || !quotes.inside())) break;
    if (!lines) quotes.Take(byte);
    if (record.bytes.size() < max_bytes) {
      record.bytes += static_cast<char>(byte);
    } else {
      // The CR of a line ending does not count.
      record.too_long = record.too_long || byte != '\r' || source.Peek() != '\n';
    }
  }
  if (!record.bytes.empty() && record.bytes.back() == '\r' && !record.unclosed_quote) {
    record.bytes.pop_back();
  }
  return any;
}

}  // namespace

bool ReadRecord(ByteSource& source, RecordKind kind, size_t max_bytes, RawRecord& record) {
  while (ReadAny(source, kind, max_bytes, record)) {
    if (record.too_long || !IsBlank(record.bytes, kind)) return true;
  }
  return false;
}

}  // namespace limbeck::gateway
