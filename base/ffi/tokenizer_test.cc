#include "base/ffi/tokenizer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "base/file.h"

namespace limbeck {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

// WordPiece with BERT's frame, so that special tokens, continuation pieces and decoding all show.
constexpr char kJson[] = R"json({
  "version": "1.0", "truncation": null, "padding": null,
  "added_tokens": [
    {"id":0,"content":"[UNK]","single_word":false,"lstrip":false,"rstrip":false,"normalized":false,"special":true},
    {"id":1,"content":"[CLS]","single_word":false,"lstrip":false,"rstrip":false,"normalized":false,"special":true},
    {"id":2,"content":"[SEP]","single_word":false,"lstrip":false,"rstrip":false,"normalized":false,"special":true}],
  "normalizer": {"type":"BertNormalizer","clean_text":true,"handle_chinese_chars":true,"strip_accents":null,"lowercase":true},
  "pre_tokenizer": {"type":"BertPreTokenizer"},
  "post_processor": {"type":"BertProcessing","sep":["[SEP]",2],"cls":["[CLS]",1]},
  "decoder": {"type":"WordPiece","prefix":"##","cleanup":true},
  "model": {"type":"WordPiece","unk_token":"[UNK]","continuing_subword_prefix":"##","max_input_chars_per_word":100,
    "vocab":{"[UNK]":0,"[CLS]":1,"[SEP]":2,"cafe":3,"play":4,"##ing":5}}})json";

TEST(TokenizerTest, EncodesToIdsAndByteOffsets) {
  auto tokenizer = Tokenizer::FromBytes(kJson);
  ASSERT_TRUE(tokenizer.ok()) << tokenizer.status();
  // "é" has two bytes and loses its accent: offsets still refer to the text given.
  const auto tokens = tokenizer->Encode("Café playing", false);
  ASSERT_TRUE(tokens.ok());
  EXPECT_THAT(*tokens,
              ElementsAre(EncodedToken{3, 0, 5}, EncodedToken{4, 6, 10}, EncodedToken{5, 10, 13}));
}

TEST(TokenizerTest, SpecialTokensCoverNoBytes) {
  auto tokenizer = Tokenizer::FromBytes(kJson);
  ASSERT_TRUE(tokenizer.ok());
  const auto tokens = tokenizer->Encode("play", true);
  ASSERT_TRUE(tokens.ok());
  EXPECT_THAT(*tokens,
              ElementsAre(EncodedToken{1, 0, 0}, EncodedToken{4, 0, 4}, EncodedToken{2, 0, 0}));
}

TEST(TokenizerTest, DecodesAndRefusesUnknownIds) {
  auto tokenizer = Tokenizer::FromBytes(kJson);
  ASSERT_TRUE(tokenizer.ok());
  EXPECT_EQ(*tokenizer->Decode({1, 4, 5, 2}, true), "playing");
  EXPECT_THAT(std::string(tokenizer->Decode({99}, true).status().message()),
              HasSubstr("id 99 is not in the vocabulary"));
}

TEST(TokenizerTest, LooksUpTokensBothWays) {
  auto tokenizer = Tokenizer::FromBytes(kJson);
  ASSERT_TRUE(tokenizer.ok());
  EXPECT_EQ(tokenizer->vocabulary_size(), 6u);
  EXPECT_EQ(tokenizer->TokenToId("##ing"), 5u);
  EXPECT_EQ(tokenizer->TokenToId("nothing"), std::nullopt);
  EXPECT_EQ(tokenizer->TokenToId("\xff"), std::nullopt);
  EXPECT_EQ(*tokenizer->IdToToken(5), "##ing");
  EXPECT_FALSE(tokenizer->IdToToken(6).ok());
}

TEST(TokenizerTest, TextThatIsNotUtf8IsAnError) {
  auto tokenizer = Tokenizer::FromBytes(kJson);
  ASSERT_TRUE(tokenizer.ok());
  EXPECT_EQ(tokenizer->Encode("a\xc3", false).status().code(), absl::StatusCode::kInvalidArgument);
}

TEST(TokenizerTest, LoadsFilesAndNamesThePathOnFailure) {
  ScopedTempDirectory directory;
  const std::string path = directory.path() / "tokenizer.json";
  ASSERT_TRUE(WriteFileDurably(path, kJson).ok());
  EXPECT_TRUE(Tokenizer::FromFile(path).ok());
  ASSERT_TRUE(WriteFileDurably(path, "{}").ok());
  EXPECT_THAT(std::string(Tokenizer::FromFile(path).status().message()), HasSubstr(path));
  EXPECT_THAT(std::string(Tokenizer::FromFile("/nonexistent").status().message()),
              HasSubstr("/nonexistent"));
}

}  // namespace
}  // namespace limbeck
