#include "gateway/expansion/fold_text.h"

#include "absl/strings/ascii.h"
#include "base/hash.h"

namespace limbeck::gateway {

std::string FoldText(std::string_view text) {
  std::string folded;
  folded.reserve(text.size());
  bool space = false;
  for (const char c : text) {
    if (absl::ascii_isspace(static_cast<unsigned char>(c))) {
      space = !folded.empty();
      continue;
    }
    if (space) folded.push_back(' ');
    space = false;
    folded.push_back(absl::ascii_tolower(static_cast<unsigned char>(c)));
  }
  return folded;
}

uint64_t TextHash(std::string_view text) { return Xxh3(FoldText(text)); }

}  // namespace limbeck::gateway
