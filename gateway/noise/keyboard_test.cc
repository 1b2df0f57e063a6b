#include "gateway/noise/keyboard.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

namespace limbeck::gateway {
namespace {

std::string Sorted(std::string_view letters) {
  std::string sorted(letters);
  std::sort(sorted.begin(), sorted.end());
  return sorted;
}

TEST(KeyboardTest, NeighboursTouchOnTheKeyboard) {
  EXPECT_EQ(Sorted(KeyNeighbours(Keyboard::kQwerty, 's')), "adewxz");
  EXPECT_EQ(Sorted(KeyNeighbours(Keyboard::kQwerty, 'q')), "aw");
  EXPECT_EQ(Sorted(KeyNeighbours(Keyboard::kQwertz, 'y')), "asx");
  EXPECT_EQ(Sorted(KeyNeighbours(Keyboard::kAzerty, 'a')), "qz");
}

TEST(KeyboardTest, EveryLetterHasNeighboursAndNeighbourhoodIsMutual) {
  for (const Keyboard keyboard : {Keyboard::kQwerty, Keyboard::kQwertz, Keyboard::kAzerty}) {
    for (char letter = 'a'; letter <= 'z'; ++letter) {
      const std::string_view near = KeyNeighbours(keyboard, letter);
      EXPECT_GE(near.size(), 2u) << letter;
      for (const char other : near) {
        EXPECT_NE(KeyNeighbours(keyboard, other).find(letter), std::string_view::npos)
            << letter << other;
      }
    }
  }
}

TEST(KeyboardTest, NothingElseHasNeighbours) {
  for (const char other : {'A', '1', ' ', '\xc3', '{', '`'}) {
    EXPECT_TRUE(KeyNeighbours(Keyboard::kQwerty, other).empty());
  }
}

}  // namespace
}  // namespace limbeck::gateway
