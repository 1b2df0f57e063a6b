#include "base/hash.h"

#include <gtest/gtest.h>

#include <array>

namespace limbeck {
namespace {

// FIPS 180-2, appendix B.1.
TEST(Sha256Test, MatchesTheStandardsExample) {
  EXPECT_EQ(Sha256Hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(Sha256Test, StreamingEqualsOneCall) {
  Sha256Stream stream;
  stream.Update("a");
  stream.Update("bc");
  EXPECT_EQ(stream.Finish(), Sha256("abc"));
}

TEST(Xxh3Test, StreamingEqualsOneCallForAnyPieces) {
  std::string data(5000, '\0');
  for (size_t i = 0; i < data.size(); ++i) data[i] = static_cast<char>(i * 7);
  for (const size_t piece : {1, 13, 256, 4096, 5000}) {
    Xxh3Stream stream;
    for (size_t i = 0; i < data.size(); i += piece) {
      stream.Update(std::string_view(data).substr(i, piece));
    }
    EXPECT_EQ(stream.Value(), Xxh3(data)) << piece;
  }
  EXPECT_EQ(Xxh3Stream().Value(), Xxh3(""));
}

TEST(HmacSha256Test, EveryCallHasItsOwnKey) {
  const std::string other = HmacSha256("another key", "a");
  EXPECT_EQ(HexEncode(HmacSha256("", "")),
            "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
  EXPECT_EQ(HmacSha256("another key", "a"), other);
  EXPECT_NE(HmacSha256("", "a"), other);
}

// RFC 4231, test case 2.
TEST(HmacSha256Test, MatchesTheRfcExample) {
  EXPECT_EQ(HexEncode(HmacSha256("Jefe", "what do ya want for nothing?")),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
}

TEST(HexTest, DecodesWhatItEncodesAndStopsAtOtherCharacters) {
  EXPECT_EQ(HexDecode(HexEncode(std::string("\0\x7f\xff", 3))), std::string("\0\x7f\xff", 3));
  EXPECT_EQ(HexDecode("4A4bzz41"), "JK");
  EXPECT_EQ(HexDecode("4"), "");
}

TEST(StableRandomTest, EqualInputsGiveEqualDraws) {
  StableRandom a(1, 2), b(1, 2), c(1, 3);
  const uint64_t first = a.Next();
  EXPECT_EQ(first, b.Next());
  EXPECT_NE(first, c.Next());
}

TEST(StableRandomTest, BelowIsUniform) {
  StableRandom random(7, 0);
  std::array<int, 5> counts{};
  for (int i = 0; i < 50'000; ++i) ++counts[random.Below(5)];
  // Five standard deviations of a binomial with n = 50,000, p = 0.2 are 447.
  for (const int count : counts) EXPECT_NEAR(count, 10'000, 447);
}

}  // namespace
}  // namespace limbeck
