#include <zstd.h>

#include <cmath>
#include <cstring>
#include <memory>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/hash.h"
#include "base/status.h"
#include "cache/records/record_codec.h"
#include "cache/records/record_layout.h"
#include "cache/records/wire.h"

namespace limbeck::cache {
namespace {

using namespace record_layout;

bool ReadPlanes(WireReader* in, size_t count, std::vector<float>* values) {
  std::string_view planes;
  if (count > in->left() / 4 || !in->Bytes(count * 4, &planes)) return false;
  values->resize(count);
  for (size_t i = 0; i < count; ++i) {
    uint32_t bits = 0;
    for (size_t plane = 0; plane < 4; ++plane) {
      bits |= static_cast<uint32_t>(static_cast<unsigned char>(planes[plane * count + i]))
              << (8 * plane);
    }
    std::memcpy(&(*values)[i], &bits, sizeof bits);
    if (!std::isfinite((*values)[i])) return false;
  }
  return true;
}

bool ReadId(WireReader* in, std::optional<uint32_t>* id) {
  uint64_t code;
  if (!in->Varint(&code) || code > (uint64_t{1} << 32)) return false;
  if (code > 0) *id = static_cast<uint32_t>(code - 1);
  return true;
}

bool ReadDictionary(WireReader* in, std::vector<std::string_view>* dictionary) {
  uint64_t entries;
  if (!in->Count(&entries)) return false;
  std::vector<uint64_t> sizes(entries);
  for (uint64_t& size : sizes) {
    if (!in->Varint(&size)) return false;
  }
  dictionary->resize(entries);
  for (size_t i = 0; i < entries; ++i) {
    if (!in->Bytes(sizes[i], &(*dictionary)[i])) return false;
  }
  return true;
}

bool ReadWord(WireReader* in, const std::vector<std::string_view>& dictionary, std::string* word) {
  uint64_t index;
  if (!in->Varint(&index) || index >= dictionary.size()) return false;
  word->assign(dictionary[index]);
  return true;
}

// Flags, ranks and candidate counts: how large every other column is.
struct Shape {
  std::string_view flags;
  std::vector<uint64_t> ranks;
  size_t candidates = 0;
};

bool ReadShape(WireReader* in, uint32_t count, Shape* shape, std::vector<Token>* tokens) {
  if (!in->Bytes(count, &shape->flags)) return false;
  for (const char flags : shape->flags) {
    if ((static_cast<uint8_t>(flags) & ~(kTokenHasLogprob | kTokenLossy)) != 0) return false;
  }
  shape->ranks.resize(count);
  for (uint64_t& rank : shape->ranks) {
    if (!in->Varint(&rank)) return false;
  }
  std::vector<uint64_t> sizes(count);
  for (uint64_t& size : sizes) {
    if (!in->Varint(&size) || size > in->left() - shape->candidates) return false;
    shape->candidates += size;
  }
  // Each candidate takes at least six bytes of what follows.
  if (shape->candidates > in->left() / 6) return false;
  tokens->resize(count);
  for (size_t i = 0; i < count; ++i) {
    const bool has_logprob = (shape->flags[i] & kTokenHasLogprob) != 0;
    if (shape->ranks[i] > sizes[i] || (shape->ranks[i] > 0 && !has_logprob)) return false;
    (*tokens)[i].candidates.resize(sizes[i]);
    (*tokens)[i].lossy = (shape->flags[i] & kTokenLossy) != 0;
  }
  return true;
}

// Tokens that are not among their own candidates.
bool ReadLoneTokens(WireReader* in, const std::vector<std::string_view>& dictionary,
                    const Shape& shape, std::vector<Token>* tokens) {
  size_t logprobs = 0;
  for (size_t i = 0; i < tokens->size(); ++i) {
    if (shape.ranks[i] > 0) continue;
    if (!ReadWord(in, dictionary, &(*tokens)[i].bytes)) return false;
    logprobs += (shape.flags[i] & kTokenHasLogprob) != 0;
  }
  for (size_t i = 0; i < tokens->size(); ++i) {
    if (shape.ranks[i] == 0 && !ReadId(in, &(*tokens)[i].id)) return false;
  }
  std::vector<float> values;
  if (!ReadPlanes(in, logprobs, &values)) return false;
  size_t next = 0;
  for (size_t i = 0; i < tokens->size(); ++i) {
    if (shape.ranks[i] > 0 || (shape.flags[i] & kTokenHasLogprob) == 0) continue;
    (*tokens)[i].logprob = values[next++];
  }
  return true;
}

bool ReadCandidates(WireReader* in, const std::vector<std::string_view>& dictionary,
                    const Shape& shape, std::vector<Token>* tokens) {
  for (Token& token : *tokens) {
    for (Candidate& candidate : token.candidates) {
      if (!ReadWord(in, dictionary, &candidate.bytes)) return false;
    }
  }
  for (Token& token : *tokens) {
    for (Candidate& candidate : token.candidates) {
      if (!ReadId(in, &candidate.id)) return false;
    }
  }
  std::vector<float> values;
  if (!ReadPlanes(in, shape.candidates, &values)) return false;
  size_t next = 0;
  for (size_t i = 0; i < tokens->size(); ++i) {
    Token& token = (*tokens)[i];
    for (Candidate& candidate : token.candidates) candidate.logprob = values[next++];
    if (shape.ranks[i] == 0) continue;
    const Candidate& chosen = token.candidates[shape.ranks[i] - 1];
    token.bytes = chosen.bytes;
    token.id = chosen.id;
    token.logprob = chosen.logprob;
  }
  return true;
}

bool ReadBody(std::string_view body, const RecordHeader& header, SoftOutput* output) {
  WireReader in(body);
  std::vector<std::string_view> dictionary;
  Shape shape;
  if (!ReadDictionary(&in, &dictionary) ||
      !ReadShape(&in, header.tokens, &shape, &output->tokens) ||
      !ReadLoneTokens(&in, dictionary, shape, &output->tokens) ||
      !ReadCandidates(&in, dictionary, shape, &output->tokens)) {
    return false;
  }
  uint8_t finish;
  uint64_t micros;
  Provenance& from = output->provenance;
  if (!in.String(&output->text) || !in.Fixed(&finish) ||
      finish > static_cast<uint8_t>(FinishReason::kFilter) ||
      !in.String(&output->raw_finish_reason) || !in.Varint(&output->usage.input_tokens) ||
      !in.Varint(&output->usage.cached_input_tokens) || !in.Varint(&output->usage.output_tokens) ||
      !in.Varint(&output->usage.reasoning_tokens) || !in.String(&from.teacher) ||
      !in.String(&from.provider_kind) || !in.String(&from.model) || !in.String(&from.fingerprint) ||
      !in.String(&from.request_id) || !in.Fixed(&micros)) {
    return false;
  }
  output->finish_reason = static_cast<FinishReason>(finish);
  from.unix_micros = static_cast<int64_t>(micros);
  return in.AtEnd();
}

struct FullHeader {
  RecordHeader header;
  uint32_t body_bytes = 0;
  std::string_view frame;
};

absl::Status Damaged(std::string_view what) {
  return absl::DataLossError(absl::StrCat("damaged record: ", ToAbsl(what)));
}

absl::StatusOr<FullHeader> ReadHeader(std::string_view record) {
  if (record.size() < kHeaderBytes + kTrailerBytes) return Damaged("shorter than its header");
  if (record.substr(0, kMagic.size()) != kMagic) return Damaged("wrong magic");
  const std::string_view covered = record.substr(0, record.size() - kTrailerBytes);
  WireReader trailer(record.substr(covered.size()));
  uint64_t checksum = 0;
  if (!trailer.Fixed(&checksum) || checksum != Xxh3(covered)) return Damaged("checksum differs");

  WireReader in(record.substr(kMagic.size()));
  uint8_t version = 0, flags = 0, support = 0, profile = 0;
  uint32_t frame_bytes = 0;
  uint64_t header_checksum = 0;
  FullHeader full;
  const bool complete = in.Fixed(&version) && in.Fixed(&flags) && in.Fixed(&support) &&
                        in.Fixed(&profile) && in.Fixed(&full.header.tokens) &&
                        in.Fixed(&full.header.top_logprobs) &&
                        in.Fixed(&full.header.tokenizer_hash) && in.Fixed(&full.body_bytes) &&
                        in.Fixed(&frame_bytes) && in.Fixed(&header_checksum);
  if (!complete || header_checksum != Xxh3(record.substr(0, kHeaderBytes - 8))) {
    return Damaged("header checksum differs");
  }
  if (version != kVersion) {
    return Damaged(absl::StrCat("version ", int{version}, ", this program reads ", int{kVersion}));
  }
  if (flags != 0 || profile != kProfileF32 || support > static_cast<uint8_t>(Support::kTopK)) {
    return Damaged("unknown flags, profile or support");
  }
  if (full.body_bytes > kMaxRecordBodyBytes || full.header.tokens > kMaxRecordTokens ||
      frame_bytes != covered.size() - kHeaderBytes) {
    return Damaged("impossible sizes");
  }
  full.header.support = static_cast<Support>(support);
  full.frame = covered.substr(kHeaderBytes);
  return full;
}

}  // namespace

absl::StatusOr<RecordHeader> CheckRecord(std::string_view record) {
  LIMBECK_ASSIGN_OR_RETURN(const FullHeader full, ReadHeader(record));
  return full.header;
}

absl::StatusOr<SoftOutput> DecodeRecord(std::string_view record) {
  LIMBECK_ASSIGN_OR_RETURN(const FullHeader full, ReadHeader(record));
  thread_local std::unique_ptr<ZSTD_DCtx, size_t (*)(ZSTD_DCtx*)> context(ZSTD_createDCtx(),
                                                                          ZSTD_freeDCtx);
  // The frame states its own size; asking before allocating keeps a forged header from deciding.
  if (ZSTD_getFrameContentSize(full.frame.data(), full.frame.size()) != full.body_bytes) {
    return Damaged("frame and header disagree on size");
  }
  std::string body(full.body_bytes, '\0');
  const size_t got = ZSTD_decompressDCtx(context.get(), body.data(), body.size(), full.frame.data(),
                                         full.frame.size());
  if (ZSTD_isError(got) || got != full.body_bytes) return Damaged("frame does not decompress");
  SoftOutput output;
  output.support = full.header.support;
  output.top_logprobs = full.header.top_logprobs;
  if (!ReadBody(body, full.header, &output)) return Damaged("impossible content");
  return output;
}

}  // namespace limbeck::cache
