#include "gateway/templates/rows/record_splitter.h"

#include <algorithm>
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

// Reads up to a line's end or the file's, a buffer at a time. False when there was nothing left.
bool ReadLine(ByteSource& source, size_t max_bytes, RawRecord& record) {
  bool any = false;
  // Bytes of the line so far, kept or not, and whether the last of them is a CR.
  size_t size = 0;
  bool ends_in_cr = false;
  for (bool ended = false; !ended;) {
    const std::string_view next = source.Buffered();
    if (next.empty()) break;
    any = true;
    const size_t newline = next.find('\n');
    ended = newline != next.npos;
    const std::string_view piece = next.substr(0, newline);
    record.bytes.append(piece.substr(0, max_bytes - std::min(max_bytes, record.bytes.size())));
    size += piece.size();
    if (!piece.empty()) ends_in_cr = piece.back() == '\r';
    source.Skip(piece.size() + (ended ? 1 : 0));
    // The CR of a line ending does not count.
    record.too_long = size - (ended && ends_in_cr ? 1 : 0) > max_bytes;
  }
  return any;
}

bool ReadCsvRecord(ByteSource& source, RecordKind kind, size_t max_bytes, RawRecord& record) {
  QuoteState quotes(kind == RecordKind::kTsvRecord ? '\t' : ',');
  bool any = false;
  while (true) {
    const int byte = source.Next();
    if (byte == ByteSource::kEnd) {
      record.unclosed_quote = quotes.inside();
      break;
    }
    any = true;
    if (byte == '\n' && !quotes.inside()) break;
    quotes.Take(byte);
    if (record.bytes.size() < max_bytes) {
      record.bytes += static_cast<char>(byte);
    } else {
      // The CR of a line ending does not count.
      record.too_long = record.too_long || byte != '\r' || source.Peek() != '\n';
    }
  }
  return any;
}

// False when there was nothing left to read.
bool ReadAny(ByteSource& source, RecordKind kind, size_t max_bytes, RawRecord& record) {
  record = {source.offset(), std::move(record.bytes), false, false};
  record.bytes.clear();
  const bool any = kind == RecordKind::kLine ? ReadLine(source, max_bytes, record)
                                             : ReadCsvRecord(source, kind, max_bytes, record);
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
