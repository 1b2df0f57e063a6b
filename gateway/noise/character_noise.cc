#include "gateway/noise/character_noise.h"

#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "gateway/noise/word_list.h"

namespace limbeck::gateway {
namespace {

constexpr std::string_view kAddedPunctuation = ",.!?;";

// Leaves out the code points that `is_candidate` likes with `probability`, but for the last one
// that is left.
template <typename IsCandidate>
void DropSome(double probability, StableRandom& random, std::string* word,
              const IsCandidate& is_candidate) {
  const std::vector<std::string_view> points = SplitCodePoints(*word);
  size_t left = points.size();
  std::string kept;
  for (const std::string_view point : points) {
    if (is_candidate(point) && random.Uniform() < probability && left > 1) {
      --left;
      continue;
    }
    kept += point;
  }
  *word = std::move(kept);
}

}  // namespace

void SwapCharacters(double probability, StableRandom& random, std::string* word) {
  std::vector<std::string_view> points = SplitCodePoints(*word);
  for (size_t i = 0; i + 1 < points.size(); ++i) {
    if (random.Uniform() >= probability) continue;
    std::swap(points[i], points[i + 1]);
    ++i;
  }
  std::string swapped;
  for (const std::string_view point : points) swapped += point;
  *word = std::move(swapped);
}

void MistypeCharacters(double probability, Keyboard keyboard, StableRandom& random,
                       std::string* word) {
  for (char& c : *word) {
    const auto byte = static_cast<unsigned char>(c);
    const std::string_view near =
        KeyNeighbours(keyboard, static_cast<char>(absl::ascii_tolower(byte)));
    if (near.empty() || random.Uniform() >= probability) continue;
    const char typed = near[random.Below(near.size())];
    c = absl::ascii_isupper(byte) ? absl::ascii_toupper(static_cast<unsigned char>(typed)) : typed;
  }
}

void DropCharacters(double probability, StableRandom& random, std::string* word) {
  DropSome(probability, random, word, [](std::string_view) { return true; });
}

void DuplicateCharacters(double probability, StableRandom& random, std::string* word) {
  std::string doubled;
  for (const std::string_view point : SplitCodePoints(*word)) {
    doubled += point;
    if (random.Uniform() < probability) doubled += point;
  }
  *word = std::move(doubled);
}

void DropPunctuation(double probability, StableRandom& random, std::string* word) {
  DropSome(probability, random, word, [](std::string_view point) {
    return point.size() == 1 && absl::ascii_ispunct(static_cast<unsigned char>(point[0]));
  });
}

void AddPunctuation(double probability, StableRandom& random, std::string* word) {
  if (random.Uniform() >= probability) return;
  *word += kAddedPunctuation[random.Below(kAddedPunctuation.size())];
}

}  // namespace limbeck::gateway
