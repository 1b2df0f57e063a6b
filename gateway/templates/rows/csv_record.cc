#include "gateway/templates/rows/csv_record.h"

#include <algorithm>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/string_view.h"

namespace limbeck::gateway {
namespace {

// Cuts one record, field by field.
class Cutter {
 public:
  Cutter(std::string_view record, char delimiter) : record_(record), delimiter_(delimiter) {}

  absl::StatusOr<std::vector<std::string>> Fields() {
    std::vector<std::string> fields;
    while (true) {
      const bool quoted = position_ < record_.size() && record_[position_] == '"';
      auto field = quoted ? Quoted() : Plain();
      if (!field.ok()) return field.status();
      fields.push_back(*std::move(field));
      if (position_ >= record_.size()) return fields;
      ++position_;  // The delimiter; what follows it is a field even when empty.
    }
  }

 private:
  absl::Status Malformed(std::string_view what, size_t position) const {
    return absl::InvalidArgumentError(absl::StrCat("not valid ", delimiter_ == ',' ? "CSV" : "TSV",
                                                   " at column ", position + 1, ": ",
                                                   ToAbsl(what)));
  }

  // Reads the quoted field that opens here and moves past its closing quote.
  absl::StatusOr<std::string> Quoted() {
    const size_t opened = position_++;
    std::string field;
    while (true) {
      const size_t quote = record_.find('"', position_);
      if (quote == std::string_view::npos) {
        return Malformed("the quote opened here is never closed", opened);
      }
      field += record_.substr(position_, quote - position_);
      position_ = quote + 1;
      if (position_ >= record_.size() || record_[position_] != '"') break;
      field += '"';
      ++position_;
    }
    if (position_ < record_.size() && record_[position_] != delimiter_) {
      return Malformed(absl::StrCat("expected a ", delimiter_ == ',' ? "comma" : "tab",
                                    " or the end of the record after the closing quote"),
                       position_);
    }
    return field;
  }

  absl::StatusOr<std::string> Plain() {
    const size_t end = std::min(record_.find(delimiter_, position_), record_.size());
    const std::string_view field = record_.substr(position_, end - position_);
    if (const size_t quote = field.find('"'); quote != std::string_view::npos) {
      return Malformed("a quote inside a field; put the field in quotes and double the quote",
                       position_ + quote);
    }
    position_ = end;
    return std::string(field);
  }

  const std::string_view record_;
  const char delimiter_;
  size_t position_ = 0;
};

}  // namespace

absl::StatusOr<std::vector<std::string>> ParseCsvRecord(std::string_view record, char delimiter) {
  return Cutter(record, delimiter).Fields();
}

}  // namespace limbeck::gateway
