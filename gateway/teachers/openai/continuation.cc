#include "gateway/teachers/openai/continuation.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "absl/status/status.h"

namespace limbeck::gateway {
namespace {

// Bytes at the end of `text` that belong to characters beyond ASCII.
size_t WideSuffix(std::string_view text) {
  const auto ascii = std::find_if(text.rbegin(), text.rend(),
                                  [](char c) { return static_cast<unsigned char>(c) < 0x80; });
  return static_cast<size_t>(std::distance(text.rbegin(), ascii));
}

// Walks from the end of the tokens to the border.
class Walk {
 public:
  Walk(std::string_view continuation, std::vector<ListedToken>* tokens)
      : rest_(continuation), tokens_(*tokens), begin_(tokens->size()) {}

  // False where the tokens do not spell the continuation.
  bool ToBorder() {
    while (!rest_.empty()) {
      if (begin_ == 0) return false;
      if (!(Previous().lossy ? TakeLossyRun() : TakeToken())) return false;
    }
    // Parts of a first character that the server shows with its last part only.
    while (begin_ > 0 && Previous().bytes.empty() && Previous().logprob.has_value()) {
      Previous().lossy = true;
      --begin_;
    }
    return true;
  }

  size_t begin() const { return begin_; }
  bool straddles() const { return straddles_; }
  // Whether lossy tokens were met.
  bool guessed() const { return guessed_; }

 private:
  cache::Token& Previous() { return tokens_[begin_ - 1].token; }

  bool TakeToken() {
    cache::Token& token = Previous();
    if (rest_.ends_with(token.bytes)) {
      rest_.remove_suffix(token.bytes.size());
      token.lossy = token.lossy || token.bytes.empty();
    } else if (std::string_view(token.bytes).ends_with(rest_)) {
      token.bytes = std::string(rest_);
      token.lossy = true;
      straddles_ = true;
      rest_ = {};
    } else {
      return false;
    }
    --begin_;
    return true;
  }

  // The run's text is not known: it gets what lies between the text already taken and the nearest
  // earlier token that can be read. Its last token carries those bytes.
  bool TakeLossyRun() {
    guessed_ = true;
    size_t run = 0;
    while (run < begin_ && tokens_[begin_ - 1 - run].token.lossy) ++run;
    std::string_view before;
    if (run < begin_) before = tokens_[begin_ - 1 - run].token.bytes;
    const size_t wide = WideSuffix(rest_);
    for (size_t length = std::min(wide, size_t{1}); length <= wide && length > 0; ++length) {
      const std::string_view left = rest_.substr(0, rest_.size() - length);
      const bool fits = left.empty() || (!before.empty() && left.ends_with(before));
      if (!fits) continue;
      Previous().bytes = std::string(rest_.substr(left.size()));
      for (size_t i = 1; i < run; ++i) tokens_[begin_ - 1 - i].token.bytes.clear();
      rest_ = left;
      begin_ -= run;
      return true;
    }
    return false;
  }

  std::string_view rest_;
  std::vector<ListedToken>& tokens_;
  size_t begin_;
  bool straddles_ = false;
  bool guessed_ = false;
};

Continuation Take(std::vector<ListedToken> tokens, size_t begin, bool straddles) {
  Continuation taken;
  taken.straddles = straddles;
  for (size_t i = begin; i < tokens.size(); ++i) taken.tokens.push_back(std::move(tokens[i].token));
  return taken;
}

// The first token at or behind the border, by the server's offsets.
std::optional<Continuation> ByOffsets(uint64_t border, const std::vector<ListedToken>& tokens) {
  const bool counted = std::all_of(tokens.begin(), tokens.end(),
                                   [](const auto& token) { return token.offset.has_value(); });
  const auto first = std::find_if(tokens.begin(), tokens.end(), [border](const auto& token) {
    return token.offset.value_or(0) >= border;
  });
  if (!counted || tokens.empty()) return std::nullopt;
  size_t begin = static_cast<size_t>(std::distance(tokens.begin(), first));
  const bool straddles = first == tokens.end() || *first->offset > border;
  if (straddles && begin == 0) return std::nullopt;
  Continuation taken = Take(tokens, straddles ? begin - 1 : begin, straddles);
  if (straddles) {
    taken.tokens.front().bytes.clear();
    taken.tokens.front().lossy = true;
  }
  return taken;
}

}  // namespace

absl::StatusOr<Continuation> TakeContinuation(std::string_view continuation,
                                              std::optional<uint64_t> prompt_characters,
                                              std::vector<ListedToken> tokens) {
  std::vector<ListedToken> untouched = tokens;
  Walk walk(continuation, &tokens);
  const bool found = walk.ToBorder();
  if (prompt_characters.has_value() && (!found || walk.guessed())) {
    if (auto taken = ByOffsets(*prompt_characters, untouched)) return *std::move(taken);
  }
  if (!found) {
    return absl::NotFoundError("the scored tokens do not end in the text to be scored");
  }
  return Take(std::move(tokens), walk.begin(), walk.straddles());
}

uint64_t CountCharacters(std::string_view text) {
  return static_cast<uint64_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xc0) != 0x80;
  }));
}

}  // namespace limbeck::gateway
