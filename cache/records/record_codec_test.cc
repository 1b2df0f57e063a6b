#include "cache/records/record_codec.h"

#include <gtest/gtest.h>
#include <zstd.h>

#include <cmath>
#include <cstdlib>
#include <limits>
#include <random>

#include "base/file.h"
#include "base/hash.h"
#include "cache/records/wire.h"

namespace limbeck::cache {
namespace {

Token MakeToken(std::string bytes, std::optional<float> logprob,
                std::vector<Candidate> candidates = {}) {
  Token token;
  token.bytes = std::move(bytes);
  token.logprob = logprob;
  token.candidates = std::move(candidates);
  return token;
}

// One of everything, small enough to test every byte of.
SoftOutput Sample() {
  SoftOutput output;
  output.support = Support::kTopK;
  output.top_logprobs = 2;
  output.text = " positive\xff";
  output.tokens.push_back(
      MakeToken(" positive", -0.25F, {{" positive", 17, -0.25F}, {" negative", 99, -1.5F}}));
  output.tokens.push_back(MakeToken("\xff", std::nullopt, {{"a", std::nullopt, -0.5F}}));
  output.tokens.back().lossy = true;
  output.tokens.push_back(MakeToken("", -0.0F));
  output.tokens.back().id = 4294967295u;
  output.finish_reason = FinishReason::kStop;
  output.raw_finish_reason = "stop";
  output.usage = {12, 3, 3, 0};
  output.provenance = {"fast", "openai", "gpt-x-2026", "fp_1", "req_1", 1'700'000'000'000'000};
  return output;
}

void ExpectEqual(const SoftOutput& a, const SoftOutput& b) {
  EXPECT_EQ(a.support, b.support);
  EXPECT_EQ(a.top_logprobs, b.top_logprobs);
  EXPECT_EQ(a.text, b.text);
  ASSERT_EQ(a.tokens.size(), b.tokens.size());
  for (size_t i = 0; i < a.tokens.size(); ++i) {
    const Token& x = a.tokens[i];
    const Token& y = b.tokens[i];
    EXPECT_EQ(x.bytes, y.bytes);
    EXPECT_EQ(x.id, y.id);
    EXPECT_EQ(x.logprob, y.logprob);
    EXPECT_EQ(x.lossy, y.lossy);
    ASSERT_EQ(x.candidates.size(), y.candidates.size());
    for (size_t c = 0; c < x.candidates.size(); ++c) {
      EXPECT_EQ(x.candidates[c].bytes, y.candidates[c].bytes);
      EXPECT_EQ(x.candidates[c].id, y.candidates[c].id);
      EXPECT_EQ(x.candidates[c].logprob, y.candidates[c].logprob);
    }
  }
  EXPECT_EQ(a.finish_reason, b.finish_reason);
  EXPECT_EQ(a.raw_finish_reason, b.raw_finish_reason);
  EXPECT_EQ(a.usage.input_tokens, b.usage.input_tokens);
  EXPECT_EQ(a.usage.cached_input_tokens, b.usage.cached_input_tokens);
  EXPECT_EQ(a.usage.output_tokens, b.usage.output_tokens);
  EXPECT_EQ(a.usage.reasoning_tokens, b.usage.reasoning_tokens);
  EXPECT_EQ(a.provenance.teacher, b.provenance.teacher);
  EXPECT_EQ(a.provenance.provider_kind, b.provenance.provider_kind);
  EXPECT_EQ(a.provenance.model, b.provenance.model);
  EXPECT_EQ(a.provenance.fingerprint, b.provenance.fingerprint);
  EXPECT_EQ(a.provenance.request_id, b.provenance.request_id);
  EXPECT_EQ(a.provenance.unix_micros, b.provenance.unix_micros);
}

void ExpectRoundTrip(const SoftOutput& output) {
  const absl::StatusOr<SoftOutput> decoded = DecodeRecord(EncodeRecord(output));
  ASSERT_TRUE(decoded.ok()) << decoded.status();
  ExpectEqual(output, *decoded);
}

TEST(RecordCodecTest, RoundTripsOneOfEverything) { ExpectRoundTrip(Sample()); }

TEST(RecordCodecTest, RoundTripsTheEmptyOutput) { ExpectRoundTrip(SoftOutput{}); }

TEST(RecordCodecTest, RoundTripsExtremeNumbersAndHostileStrings) {
  SoftOutput output;
  output.text = std::string("\0\xff\xfe{}", 5) + std::string(100'000, 'x');
  output.usage = {UINT64_MAX, UINT64_MAX, 0, 1};
  output.provenance.unix_micros = std::numeric_limits<int64_t>::min();
  output.finish_reason = FinishReason::kFilter;
  ExpectRoundTrip(output);
}

TEST(RecordCodecTest, RoundTripsRandomOutputs) {
  const uint32_t seed = std::random_device{}();
  SCOPED_TRACE(seed);
  std::mt19937 random(seed);
  for (int round = 0; round < 200; ++round) {
    SoftOutput output = Sample();
    output.tokens.clear();
    for (uint32_t i = random() % 30; i > 0; --i) {
      Token token = MakeToken(std::string(random() % 4, static_cast<char>(random())), std::nullopt);
      if (random() % 2) token.logprob = -static_cast<float>(random()) / 1e9F;
      if (random() % 2) token.id = static_cast<uint32_t>(random());
      token.lossy = random() % 5 == 0;
      for (uint32_t c = random() % 6; c > 0; --c) {
        Candidate candidate{std::to_string(random() % 9), {}, -static_cast<float>(random()) / 1e9F};
        if (random() % 2) candidate.id = static_cast<uint32_t>(random());
        token.candidates.push_back(std::move(candidate));
      }
      if (!token.candidates.empty() && random() % 2) {
        const Candidate& chosen = token.candidates[random() % token.candidates.size()];
        token.bytes = chosen.bytes;
        token.id = chosen.id;
        token.logprob = chosen.logprob;
      }
      output.tokens.push_back(std::move(token));
    }
    ExpectRoundTrip(output);
  }
}

TEST(RecordCodecTest, StoresNonFiniteLogprobsAsAbsence) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const float infinity = std::numeric_limits<float>::infinity();
  SoftOutput output;
  output.support = Support::kTopK;
  output.tokens.push_back(
      MakeToken("a", nan, {{"a", 1, nan}, {"b", 2, -1.0F}, {"c", 3, -infinity}}));
  const absl::StatusOr<SoftOutput> decoded = DecodeRecord(EncodeRecord(output));
  ASSERT_TRUE(decoded.ok()) << decoded.status();
  EXPECT_EQ(decoded->tokens[0].logprob, std::nullopt);
  ASSERT_EQ(decoded->tokens[0].candidates.size(), 1u);
  EXPECT_EQ(decoded->tokens[0].candidates[0].bytes, "b");
}

TEST(RecordCodecTest, EveryTruncationIsDataLoss) {
  const std::string record = EncodeRecord(Sample());
  for (size_t size = 0; size < record.size(); ++size) {
    EXPECT_EQ(DecodeRecord(record.substr(0, size)).status().code(), absl::StatusCode::kDataLoss);
    EXPECT_EQ(CheckRecord(record.substr(0, size)).status().code(), absl::StatusCode::kDataLoss);
  }
}

TEST(RecordCodecTest, EveryFlippedBitIsDataLoss) {
  const std::string record = EncodeRecord(Sample());
  for (size_t bit = 0; bit < record.size() * 8; ++bit) {
    std::string damaged = record;
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << (bit % 8)));
    EXPECT_EQ(DecodeRecord(damaged).status().code(), absl::StatusCode::kDataLoss) << bit;
  }
}

TEST(RecordCodecTest, TrailingBytesAreDataLoss) {
  EXPECT_EQ(DecodeRecord(EncodeRecord(Sample()) + "x").status().code(),
            absl::StatusCode::kDataLoss);
}

// Puts a changed body into a record with valid checksums, as a hostile writer could.
std::string Forge(const std::string& record, std::string body, uint32_t claimed_size) {
  std::string frame(ZSTD_compressBound(body.size()), '\0');
  frame.resize(ZSTD_compress(frame.data(), frame.size(), body.data(), body.size(), 1));
  std::string forged = record.substr(0, 24);
  PutFixed<uint32_t>(&forged, claimed_size);
  PutFixed<uint32_t>(&forged, static_cast<uint32_t>(frame.size()));
  PutFixed<uint64_t>(&forged, Xxh3(forged));
  forged += frame;
  PutFixed<uint64_t>(&forged, Xxh3(forged));
  return forged;
}

std::string Body(const std::string& record) {
  std::string body(4096, '\0');
  body.resize(ZSTD_decompress(body.data(), body.size(), record.data() + 40, record.size() - 48));
  return body;
}

TEST(RecordCodecTest, SurvivesForgedBodiesWithValidChecksums) {
  const std::string record = EncodeRecord(Sample());
  const std::string body = Body(record);
  ASSERT_TRUE(DecodeRecord(Forge(record, body, static_cast<uint32_t>(body.size()))).ok());
  for (size_t i = 0; i < body.size(); ++i) {
    for (const int value : {0, 1, 0x7f, 0x80, 0xff}) {
      std::string changed = body;
      changed[i] = static_cast<char>(value);
      const auto decoded =
          DecodeRecord(Forge(record, changed, static_cast<uint32_t>(changed.size())));
      // A change may be another valid record; what counts is that nothing worse happens.
      EXPECT_TRUE(decoded.ok() || decoded.status().code() == absl::StatusCode::kDataLoss);
    }
    const std::string cut = body.substr(0, i);
    EXPECT_FALSE(DecodeRecord(Forge(record, cut, static_cast<uint32_t>(cut.size()))).ok());
  }
  EXPECT_FALSE(DecodeRecord(Forge(record, body, 0xffffffff)).ok());
  EXPECT_FALSE(DecodeRecord(Forge(record, body, 16u << 20)).ok());
}

TEST(RecordCodecTest, HeaderTellsWhatTheRecordServes) {
  absl::StatusOr<RecordHeader> header = CheckRecord(EncodeRecord(Sample(), 77));
  ASSERT_TRUE(header.ok());
  EXPECT_EQ(header->Serves(), 2u);
  EXPECT_EQ(header->tokens, 3u);
  EXPECT_EQ(header->tokenizer_hash, 77u);
  SoftOutput text_only;
  text_only.top_logprobs = 5;
  header = CheckRecord(EncodeRecord(text_only));
  ASSERT_TRUE(header.ok());
  EXPECT_EQ(header->Serves(), 0u);
}

TEST(RecordCodecTest, ReadsTheGoldenRecord) {
  const char* root = std::getenv("LIMBECK_SOURCE_DIR");
  ASSERT_NE(root, nullptr) << "run through ctest";
  const auto golden =
      ReadFile(std::filesystem::path(root) / "cache/records/testdata/sample_v1.record");
  ASSERT_TRUE(golden.ok()) << golden.status();
  const auto decoded = DecodeRecord(*golden);
  ASSERT_TRUE(decoded.ok()) << decoded.status();
  ExpectEqual(Sample(), *decoded);
  // The columns are pinned byte by byte; the frame around them is zstd's business.
  EXPECT_EQ(HexEncode(Body(*golden)), HexEncode(Body(EncodeRecord(Sample(), 77))));
}

// Many tokens with everything that varies: absent and present ids and logprobs, lone tokens, bytes
// used again and again.
SoftOutput Large() {
  StableRandom random(5, 0);
  SoftOutput output;
  output.support = Support::kTopK;
  output.top_logprobs = 20;
  for (int t = 0; t < 400; ++t) {
    Token token;
    token.bytes = "t" + std::to_string(random.Below(50));
    token.lossy = random.Below(9) == 0;
    if (random.Below(3) == 0) token.id = static_cast<uint32_t>(random.Below(200'000));
    for (uint64_t c = random.Below(20); c > 0; --c) {
      Candidate candidate{"c" + std::to_string(random.Below(3'000)), std::nullopt,
                          -static_cast<float>(random.Below(4096)) / 512};
      if (random.Below(2) == 0) candidate.id = static_cast<uint32_t>(random.Below(200'000));
      token.candidates.push_back(std::move(candidate));
    }
    if (!token.candidates.empty() && random.Below(2) == 0) {
      const Candidate& chosen = token.candidates[random.Below(token.candidates.size())];
      token.bytes = chosen.bytes;
      token.id = chosen.id;
      token.logprob = chosen.logprob;
    } else if (random.Below(2) == 0) {
      token.logprob = -1.5F;
    }
    output.text += token.bytes;
    output.tokens.push_back(std::move(token));
  }
  return output;
}

TEST(RecordCodecTest, LargeBodiesKeepTheirBytes) {
  ExpectRoundTrip(Large());
  const std::string record = EncodeRecord(Large(), 7);
  std::string body(1 << 20, '\0');
  body.resize(ZSTD_decompress(body.data(), body.size(), record.data() + 40, record.size() - 48));
  // What the first version of the encoder wrote.
  EXPECT_EQ(body.size(), 45690u);
  EXPECT_EQ(Xxh3(body), 13013837211626379125u);
}

}  // namespace
}  // namespace limbeck::cache
