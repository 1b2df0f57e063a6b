// A user's table of words and what may stand in their place.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace limbeck::gateway {

// It travels with the job, so it stays small.
inline constexpr size_t kMaxSynonymBytes = 128u << 10;

// Immutable, thread-safe.
class SynonymTable {
 public:
  SynonymTable() = default;
  // `text` has a line for each word: the word, a tab, and its synonyms with commas between them.
  // Blank lines are skipped, `\r` at line ends too. A word is found in any ASCII case; its lines
  // add up. INVALID_ARGUMENT names the line: no tab, white space in the word, no synonym, not
  // UTF-8; or says that the table is larger than kMaxSynonymBytes.
  static absl::StatusOr<SynonymTable> Parse(std::string_view text);

  bool empty() const { return synonyms_.empty(); }
  // In the order of the file; null where the word has none.
  const std::vector<std::string>* Find(std::string_view word) const;

 private:
  std::map<std::string, std::vector<std::string>, std::less<>> synonyms_;
};

}  // namespace limbeck::gateway
