#include "gateway/noise/synonyms.h"

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/string_view.h"
#include "base/utf8.h"

namespace limbeck::gateway {
namespace {

absl::Status BadLine(size_t number, std::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat(
      "line ", number, " ", ToAbsl(what), "; expected a word, a tab and synonyms between commas"));
}

}  // namespace

absl::StatusOr<SynonymTable> SynonymTable::Parse(std::string_view text) {
  if (text.size() > kMaxSynonymBytes) {
    return absl::InvalidArgumentError(
        absl::StrCat("has ", text.size(), " bytes; expected at most ", kMaxSynonymBytes));
  }
  SynonymTable table;
  size_t number = 0;
  for (const absl::string_view raw : absl::StrSplit(ToAbsl(text), '\n')) {
    ++number;
    const absl::string_view line = absl::StripAsciiWhitespace(raw);
    if (line.empty()) continue;
    if (!IsValidUtf8(ToStd(line))) return BadLine(number, "is not UTF-8");
    const size_t tab = line.find('\t');
    if (tab == line.npos) return BadLine(number, "has no tab");
    const absl::string_view word = absl::StripAsciiWhitespace(line.substr(0, tab));
    if (word.find_first_of(" \t\v\f") != word.npos) {
      return BadLine(number, "has white space in the word");
    }
    std::vector<std::string>& list = table.synonyms_[absl::AsciiStrToLower(word)];
    const size_t before = list.size();
    for (const absl::string_view part : absl::StrSplit(line.substr(tab + 1), ',')) {
      const absl::string_view synonym = absl::StripAsciiWhitespace(part);
      if (!synonym.empty()) list.emplace_back(synonym);
    }
    if (list.size() == before) return BadLine(number, "has no synonym");
  }
  return table;
}

const std::vector<std::string>* SynonymTable::Find(std::string_view word) const {
  const auto found = synonyms_.find(absl::AsciiStrToLower(ToAbsl(word)));
  return found == synonyms_.end() ? nullptr : &found->second;
}

}  // namespace limbeck::gateway
