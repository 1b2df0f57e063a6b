#include "gateway/noise/keyboard.h"

#include <array>
#include <string>

namespace limbeck::gateway {
namespace {

using Rows = std::array<std::string_view, 3>;
using Neighbours = std::array<std::string, 26>;

constexpr Rows kQwertyRows = {"qwertyuiop", "asdfghjkl", "zxcvbnm"};
constexpr Rows kQwertzRows = {"qwertzuiop", "asdfghjkl", "yxcvbnm"};
constexpr Rows kAzertyRows = {"azertyuiop", "qsdfghjklm", "wxcvbn"};

Neighbours MakeNeighbours(const Rows& rows) {
  Neighbours neighbours;
  for (int row = 0; row < 3; ++row) {
    for (int column = 0; column < static_cast<int>(rows[row].size()); ++column) {
      std::string& near = neighbours[rows[row][column] - 'a'];
      const auto add = [&](int r, int c) {
        if (r < 0 || r >= 3 || c < 0 || c >= static_cast<int>(rows[r].size())) return;
        near.push_back(rows[r][c]);
      };
      add(row, column - 1);
      add(row, column + 1);
      add(row - 1, column);
      add(row - 1, column + 1);
      add(row + 1, column - 1);
      add(row + 1, column);
    }
  }
  return neighbours;
}

}  // namespace

std::string_view KeyNeighbours(Keyboard keyboard, char letter) {
  static const Neighbours* const kTables[] = {new Neighbours(MakeNeighbours(kQwertyRows)),
                                              new Neighbours(MakeNeighbours(kQwertzRows)),
                                              new Neighbours(MakeNeighbours(kAzertyRows))};
  if (letter < 'a' || letter > 'z') return {};
  return (*kTables[static_cast<int>(keyboard)])[letter - 'a'];
}

}  // namespace limbeck::gateway
