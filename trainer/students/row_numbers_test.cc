#include "trainer/students/row_numbers.h"

#include <algorithm>

#include <gtest/gtest.h>

#include "base/hash.h"

namespace limbeck::trainer {
namespace {

TEST(NumberRowsTest, NumbersInAscendingOrder) {
  std::vector<uint32_t> rows = {700, 3, 700, 0, 3, 1023};
  EXPECT_EQ(NumberRows(10, rows), (std::vector<uint32_t>{0, 3, 700, 1023}));
  EXPECT_EQ(rows, (std::vector<uint32_t>{2, 1, 2, 0, 1, 3}));
}

TEST(NumberRowsTest, OfNothingIsNothing) { EXPECT_TRUE(NumberRows(18, {}).empty()); }

TEST(NumberRowsTest, AgreesWithSortingAndSearching) {
  for (const uint32_t bits : {1u, 9u, 10u, 18u, 24u}) {
    StableRandom random(bits, 1);
    std::vector<uint32_t> rows(3000);
    for (uint32_t& row : rows) row = static_cast<uint32_t>(random.Below(uint64_t{1} << bits));
    std::vector<uint32_t> expected = rows;
    std::sort(expected.begin(), expected.end());
    expected.erase(std::unique(expected.begin(), expected.end()), expected.end());
    std::vector<uint32_t> numbers = rows;
    EXPECT_EQ(NumberRows(bits, numbers), expected);
    for (size_t i = 0; i < rows.size(); ++i) EXPECT_EQ(expected[numbers[i]], rows[i]);
  }
}

}  // namespace
}  // namespace limbeck::trainer
