#include <zstd.h>

#include <bit>
#include <cmath>
#include <cstring>
#include <memory>
#include <vector>

#include "base/hash.h"
#include "cache/records/record_codec.h"
#include "cache/records/record_layout.h"
#include "cache/records/wire.h"

namespace limbeck::cache {
namespace {

using namespace record_layout;

constexpr int kZstdLevel = 1;

uint32_t FloatBits(float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  return bits;
}

// Byte strings of one record, each stored once, in the order of their first use. Borrows them. An
// open table of its own: a large answer looks up thousands, most of them once.
class Dictionary {
 public:
  // At most `uses` calls of IndexOf.
  explicit Dictionary(size_t uses) : slots_(std::bit_ceil(2 * uses + 1)) { entries_.reserve(uses); }

  uint64_t IndexOf(std::string_view bytes) {
    const uint64_t hash = Xxh3(bytes, Seed());
    const auto tag = static_cast<uint32_t>(hash >> 32);
    const size_t mask = slots_.size() - 1;
    for (size_t at = hash & mask;; at = (at + 1) & mask) {
      Slot& slot = slots_[at];
      if (slot.number == 0) {
        entries_.push_back(bytes);
        slot = {tag, static_cast<uint32_t>(entries_.size())};
        return slot.number - 1;
      }
      if (slot.tag == tag && entries_[slot.number - 1] == bytes) return slot.number - 1;
    }
  }

  void Write(std::string* out) const {
    PutVarint(out, entries_.size());
    for (const std::string_view entry : entries_) PutVarint(out, entry.size());
    for (const std::string_view entry : entries_) out->append(entry);
  }

 private:
  struct Slot {
    uint32_t tag = 0;     // Of the hash; spares comparing most others.
    uint32_t number = 0;  // Of the entry, from 1; 0 for none.
  };

  // Unknown to providers, who choose the bytes and could make them all meet in one slot.
  static uint64_t Seed() {
    static const uint64_t seed = Xxh3(RandomBytes(16));
    return seed;
  }

  std::vector<Slot> slots_;
  std::vector<std::string_view> entries_;
};

// f32 values as four byte planes: equal exponents lie side by side, which zstd likes.
void PutPlanes(std::string* out, const std::vector<float>& values) {
  const size_t start = out->size();
  out->resize(start + 4 * values.size());
  char* const planes = out->data() + start;
  for (size_t i = 0; i < values.size(); ++i) {
    const uint32_t bits = FloatBits(values[i]);
    for (size_t plane = 0; plane < 4; ++plane) {
      planes[plane * values.size() + i] = static_cast<char>(bits >> (8 * plane));
    }
  }
}

// 0 for absent, else id + 1.
uint64_t IdCode(const std::optional<uint32_t>& id) { return id ? uint64_t{*id} + 1 : 0; }

bool IsKept(const Candidate& candidate) { return std::isfinite(candidate.logprob); }

bool IsChosen(const Token& token, const Candidate& candidate) {
  return FloatBits(*token.logprob) == FloatBits(candidate.logprob) && token.id == candidate.id &&
         token.bytes == candidate.bytes;
}

struct Columns {
  std::string flags, ranks, counts, token_bytes, token_ids, candidate_bytes, candidate_ids;
  std::vector<float> token_logprobs, candidate_logprobs;

  Columns(size_t tokens, size_t candidates) {
    for (std::string* column : {&flags, &ranks, &counts}) column->reserve(tokens);
    // Most indices take two bytes; most ids are absent or take three.
    candidate_bytes.reserve(2 * candidates);
    candidate_ids.reserve(candidates);
    candidate_logprobs.reserve(candidates);
  }
};

void AddToken(const Token& token, Dictionary* dictionary, Columns* columns) {
  const bool has_logprob = token.logprob && std::isfinite(*token.logprob);
  uint64_t kept = 0;
  uint64_t rank = 0;
  for (const Candidate& candidate : token.candidates) {
    if (!IsKept(candidate)) continue;
    ++kept;
    if (has_logprob && rank == 0 && IsChosen(token, candidate)) rank = kept;
  }
  columns->flags.push_back(
      static_cast<char>((has_logprob ? kTokenHasLogprob : 0) | (token.lossy ? kTokenLossy : 0)));
  PutVarint(&columns->ranks, rank);
  PutVarint(&columns->counts, kept);
  if (rank == 0) {
    PutVarint(&columns->token_bytes, dictionary->IndexOf(token.bytes));
    PutVarint(&columns->token_ids, IdCode(token.id));
    if (has_logprob) columns->token_logprobs.push_back(*token.logprob);
  }
  for (const Candidate& candidate : token.candidates) {
    if (!IsKept(candidate)) continue;
    PutVarint(&columns->candidate_bytes, dictionary->IndexOf(candidate.bytes));
    PutVarint(&columns->candidate_ids, IdCode(candidate.id));
    columns->candidate_logprobs.push_back(candidate.logprob);
  }
}

std::string EncodeBody(const SoftOutput& output) {
  size_t candidates = 0;
  for (const Token& token : output.tokens) candidates += token.candidates.size();
  Dictionary dictionary(output.tokens.size() + candidates);
  Columns columns(output.tokens.size(), candidates);
  for (const Token& token : output.tokens) AddToken(token, &dictionary, &columns);
  std::string body;
  dictionary.Write(&body);
  body.append(columns.flags).append(columns.ranks).append(columns.counts);
  body.append(columns.token_bytes).append(columns.token_ids);
  PutPlanes(&body, columns.token_logprobs);
  body.append(columns.candidate_bytes).append(columns.candidate_ids);
  PutPlanes(&body, columns.candidate_logprobs);
  PutString(&body, output.text);
  body.push_back(static_cast<char>(output.finish_reason));
  PutString(&body, output.raw_finish_reason);
  PutVarint(&body, output.usage.input_tokens);
  PutVarint(&body, output.usage.cached_input_tokens);
  PutVarint(&body, output.usage.output_tokens);
  PutVarint(&body, output.usage.reasoning_tokens);
  const Provenance& from = output.provenance;
  for (const std::string* text :
       {&from.teacher, &from.provider_kind, &from.model, &from.fingerprint, &from.request_id}) {
    PutString(&body, *text);
  }
  PutFixed(&body, static_cast<uint64_t>(from.unix_micros));
  return body;
}

}  // namespace

std::string EncodeRecord(const SoftOutput& output, uint64_t tokenizer_hash) {
  // A context is 1 MB of tables; one per thread keeps small records cheap.
  thread_local std::unique_ptr<ZSTD_CCtx, size_t (*)(ZSTD_CCtx*)> context(ZSTD_createCCtx(),
                                                                          ZSTD_freeCCtx);
  const std::string body = EncodeBody(output);
  std::string frame(ZSTD_compressBound(body.size()), '\0');
  frame.resize(ZSTD_compressCCtx(context.get(), frame.data(), frame.size(), body.data(),
                                 body.size(), kZstdLevel));

  std::string record(kMagic);
  record.reserve(kHeaderBytes + frame.size() + kTrailerBytes);
  PutFixed<uint8_t>(&record, kVersion);
  PutFixed<uint8_t>(&record, 0);
  PutFixed<uint8_t>(&record, static_cast<uint8_t>(output.support));
  PutFixed<uint8_t>(&record, kProfileF32);
  PutFixed<uint32_t>(&record, static_cast<uint32_t>(output.tokens.size()));
  PutFixed<uint32_t>(&record, output.top_logprobs);
  PutFixed<uint64_t>(&record, tokenizer_hash);
  PutFixed<uint32_t>(&record, static_cast<uint32_t>(body.size()));
  PutFixed<uint32_t>(&record, static_cast<uint32_t>(frame.size()));
  PutFixed<uint64_t>(&record, Xxh3(record));
  record.append(frame);
  PutFixed<uint64_t>(&record, Xxh3(record));
  return record;
}

}  // namespace limbeck::cache
