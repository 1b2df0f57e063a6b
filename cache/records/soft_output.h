// What a teacher said for one query, in memory. At rest it is a record (record_codec.h).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace limbeck::cache {

// How much of the distribution is there.
enum class Support : uint8_t { kTextOnly = 0, kChosenOnly = 1, kTopK = 2 };

// Token identity is `bytes`, or the provider's id with its tokenizer; never a display string.
struct Candidate {
  std::string bytes;
  std::optional<uint32_t> id;
  float logprob = 0.0F;  // Natural log, ≤ 0 up to rounding. Sentinels never get here.
};

struct Token {
  std::string bytes;
  std::optional<uint32_t> id;
  // Absent where the provider gave none (null, −9999 and other sentinels).
  std::optional<float> logprob;
  // In descending logprob. The chosen token is among them where the provider listed it.
  std::vector<Candidate> candidates;
  // The provider's bytes stand for a cut or replaced character, so they do not identify the token.
  bool lossy = false;
};

struct Usage {
  uint64_t input_tokens = 0;
  uint64_t cached_input_tokens = 0;  // Part of input_tokens.
  uint64_t output_tokens = 0;
  uint64_t reasoning_tokens = 0;  // Part of output_tokens.
};

// Who said it and when. Strings as the provider sent them.
struct Provenance {
  std::string teacher;        // Name in the operator's configuration.
  std::string provider_kind;  // "openai", "anthropic"
  std::string model;          // As the provider named itself.
  std::string fingerprint;
  std::string request_id;
  int64_t unix_micros = 0;
};

enum class FinishReason : uint8_t {
  kUnknown = 0,
  kStop = 1,
  kLength = 2,
  kRefusal = 3,
  kFilter = 4
};

struct SoftOutput {
  Support support = Support::kTextOnly;
  // Candidates asked for per token; a record serves queries that need at most this many.
  uint32_t top_logprobs = 0;
  std::string text;
  std::vector<Token> tokens;  // Empty for kTextOnly.
  FinishReason finish_reason = FinishReason::kUnknown;
  std::string raw_finish_reason;
  Usage usage;
  Provenance provenance;
};

}  // namespace limbeck::cache
