// Encodes soft outputs as records and back. Format: docs/formats/record.md.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "cache/records/soft_output.h"

namespace limbeck::cache {

// Limits of the decoder: larger records are DATA_LOSS, so writers keep under them.
inline constexpr size_t kMaxRecordBodyBytes = 32u << 20;
inline constexpr uint32_t kMaxRecordTokens = 1u << 20;

// Immutable bytes with magic, version and checksum. Lossless for finite logprobs. A logprob that
// is not finite is not a number any provider means: on a token it is stored as absent, a candidate
// that has one is left out. `tokenizer_hash` names the tokenizer that ids belong to; 0 for none.
std::string EncodeRecord(const SoftOutput& output, uint64_t tokenizer_hash = 0);

// DATA_LOSS on any damage: wrong magic, unknown version, truncation, checksum, impossible counts.
// Never crashes and never returns wrong numbers for damaged bytes.
absl::StatusOr<SoftOutput> DecodeRecord(std::string_view record);

// What the header says.
struct RecordHeader {
  Support support = Support::kTextOnly;
  uint32_t top_logprobs = 0;
  uint32_t tokens = 0;
  uint64_t tokenizer_hash = 0;

  // The largest number of candidates that this record can be served for.
  uint32_t Serves() const { return support == Support::kTextOnly ? 0 : top_logprobs; }
};

// Checks header and checksum of the whole record without decoding it. DATA_LOSS on damage.
absl::StatusOr<RecordHeader> CheckRecord(std::string_view record);

}  // namespace limbeck::cache
