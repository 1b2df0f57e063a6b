#include "gateway/teachers/openai/token_rules.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <limits>
#include <unordered_set>
#include <utility>

namespace limbeck::gateway {
namespace {

// Below this a provider means "none": −9999 (OpenAI), −3.4e38 (llama.cpp).
constexpr double kSentinel = -9000;
// Rounding may lift a logprob above zero; more than this is no logprob.
constexpr double kMaxLogprob = 0.05;
// Above this many candidates comparing each with each is slower than hashing.
constexpr size_t kMaxPairwise = 64;
constexpr std::string_view kTokenIdPrefix = "token_id:";

bool SameToken(const cache::Candidate& a, const cache::Candidate& b) {
  if (a.id.has_value() && b.id.has_value()) return *a.id == *b.id;
  return a.bytes == b.bytes;
}

// Tells whether a token came before; linear in all of them, for lists that no model should send.
class SeenTokens {
 public:
  // Whether SameToken holds for an earlier one; else remembers `candidate`.
  bool Before(const cache::Candidate& candidate) {
    const std::string& bytes = candidate.bytes;
    if (candidate.id.has_value()) {
      if (ids_.contains(*candidate.id) || bytes_without_id_.contains(bytes)) return true;
      ids_.insert(*candidate.id);
    } else {
      if (all_bytes_.contains(bytes)) return true;
      bytes_without_id_.insert(bytes);
    }
    all_bytes_.insert(bytes);
    return false;
  }

 private:
  std::unordered_set<uint32_t> ids_;
  std::unordered_set<std::string> all_bytes_;
  std::unordered_set<std::string> bytes_without_id_;
};

// 256 bits, of which each byte string or id sets one: where a bit is set for the first time,
// nothing equal came before. Comparing each with each took a tenth of an answer's time.
class Fingerprints {
 public:
  // False where no earlier one equals `candidate`, among candidates that all have an id or none.
  bool MayRepeat(const cache::Candidate& candidate) {
    const uint64_t hash = candidate.id.has_value() ? *candidate.id * kMix : HashOf(candidate.bytes);
    uint64_t& word = words_[hash >> 62];
    const uint64_t bit = uint64_t{1} << (hash >> 56 & 63);
    return (std::exchange(word, word | bit) & bit) != 0;
  }

 private:
  static constexpr uint64_t kMix = 0x9e3779b97f4a7c15;

  // Of the length and the first eight bytes, which tell most tokens apart.
  static uint64_t HashOf(std::string_view bytes) {
    uint64_t head = 0;
    std::memcpy(&head, bytes.data(), std::min(bytes.size(), sizeof(head)));
    return (head * kMix ^ bytes.size()) * kMix;
  }

  std::array<uint64_t, 4> words_ = {};
};

bool AllOrNoneHaveIds(const std::vector<cache::Candidate>& candidates) {
  const auto differs = [&](const auto& candidate) {
    return candidate.id.has_value() != candidates.front().id.has_value();
  };
  return std::none_of(candidates.begin(), candidates.end(), differs);
}

}  // namespace

std::optional<float> CleanLogprob(double value) {
  if (!std::isfinite(value) || value <= kSentinel || value > kMaxLogprob) return std::nullopt;
  return static_cast<float>(std::min(value, 0.0));
}

std::optional<uint32_t> ParseTokenId(std::string_view digits) {
  uint64_t id = 0;
  if (digits.empty()) return std::nullopt;
  for (const char c : digits) {
    if (c < '0' || c > '9') return std::nullopt;
    id = id * 10 + static_cast<uint64_t>(c - '0');
    if (id > std::numeric_limits<uint32_t>::max()) return std::nullopt;
  }
  return static_cast<uint32_t>(id);
}

bool IsTokenIdText(std::string_view shown) { return shown.starts_with(kTokenIdPrefix); }

TokenIdentity IdentityOf(std::string_view shown) {
  TokenIdentity identity;
  if (IsTokenIdText(shown)) {
    identity.id = ParseTokenId(shown.substr(kTokenIdPrefix.size()));
    identity.lossy = true;
    return identity;
  }
  identity.bytes = std::string(shown);
  // An escape stands for a byte that is no character by itself.
  identity.lossy =
      shown.find("\\x") != shown.npos || shown.find(kReplacementCharacter) != shown.npos;
  return identity;
}

void SortAndDeduplicate(std::vector<cache::Candidate>* candidates) {
  const auto likelier = [](const auto& a, const auto& b) { return a.logprob > b.logprob; };
  // Nearly every provider sends them in order; a stable sort allocates all the same.
  if (!std::is_sorted(candidates->begin(), candidates->end(), likelier)) {
    std::stable_sort(candidates->begin(), candidates->end(), likelier);
  }
  const auto begin = candidates->begin();
  const bool many = candidates->size() > kMaxPairwise;
  const bool alike = AllOrNoneHaveIds(*candidates);
  SeenTokens seen;
  Fingerprints fingerprints;
  size_t kept = 0;
  for (size_t i = 0; i < candidates->size(); ++i) {
    const cache::Candidate& next = (*candidates)[i];
    const auto same = [&next](const auto& other) { return SameToken(other, next); };
    const auto compare_all = [&] {
      return std::any_of(begin, begin + static_cast<ptrdiff_t>(kept), same);
    };
    const auto is_repeated = [&] {
      return (!alike || fingerprints.MayRepeat(next)) && compare_all();
    };
    if (many ? seen.Before(next) : is_repeated()) continue;
    if (kept != i) (*candidates)[kept] = std::move((*candidates)[i]);
    ++kept;
  }
  candidates->resize(kept);
}

void SetIdentity(TokenIdentity identity, cache::Token* token) {
  token->bytes = std::move(identity.bytes);
  token->id = identity.id;
  token->lossy = identity.lossy;
}

}  // namespace limbeck::gateway
