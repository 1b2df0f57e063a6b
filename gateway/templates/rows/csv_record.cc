#include "gateway/templates/rows/csv_record.h"

#include <algorithm>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace limbeck::gateway {
namespace {

absl::Status Malformed(std::string_view what, size_t position) {
  return absl::InvalidArgumentError(
      absl::StrCat("not valid CSV at column ", position + 1, ": ", std::string(what)));
}

// Reads the quoted field that opens at `position` and moves past its closing quote.
absl::StatusOr<std::string> Quoted(std::string_view record, size_t& position) {
  const size_t opened = position++;
  std::string field;
  while (true) {
    const size_t quote = record.find('"', position);
    if (quote == std::string_view::npos) {
      return Malformed("the quote opened here is never closed", opened);
    }
    field += record.substr(position, quote - position);
    position = quote + 1;
    if (position >= record.size() || record[position] != '"') break;
    field += '"';
    ++position;
  }
  if (position < record.size() && record[position] != ',') {
    return Malformed("expected a comma or the end of the record after the closing quote", position);
  }
  return field;
}

absl::StatusOr<std::string> Plain(std::string_view record, size_t& position) {
  const size_t comma = std::min(record.find(',', position), record.size());
  const std::string_view field = record.substr(position, comma - position);
  if (const size_t quote = field.find('"'); quote != std::string_view::npos) {
    return Malformed("a quote inside a field; put the field in quotes and double the quote",
                     position + quote);
  }
  position = comma;
  return std::string(field);
}

}  // namespace

absl::StatusOr<std::vector<std::string>> ParseCsvRecord(std::string_view record) {
  std::vector<std::string> fields;
  size_t position = 0;
  while (true) {
    auto field = position < record.size() && record[position] == '"' ? Quoted(record, position)
                                                                     : Plain(record, position);
    if (!field.ok()) return field.status();
    fields.push_back(*std::move(field));
    if (position >= record.size()) return fields;
    ++position;  // The comma; what follows it is a field even when empty.
  }
}

}  // namespace limbeck::gateway
