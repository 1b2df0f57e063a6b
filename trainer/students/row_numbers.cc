#include "trainer/students/row_numbers.h"

#include <cstddef>

#include "trainer/text/radix_sort.h"

namespace limbeck::trainer {
namespace {

struct Entry {
  uint32_t row;
  uint32_t index;  // In the caller's order.
};

}  // namespace

std::vector<uint32_t> NumberRows(uint32_t bits, std::span<uint32_t> rows) {
  std::vector<Entry> entries(rows.size());
  std::vector<Entry> scratch;
  for (size_t i = 0; i < rows.size(); ++i) entries[i] = {rows[i], static_cast<uint32_t>(i)};
  RadixSort(
      bits, [](const Entry& entry) { return entry.row; }, &entries, &scratch);
  std::vector<uint32_t> distinct;
  for (const Entry& entry : entries) {
    if (distinct.empty() || distinct.back() != entry.row) distinct.push_back(entry.row);
    rows[entry.index] = static_cast<uint32_t>(distinct.size() - 1);
  }
  return distinct;
}

}  // namespace limbeck::trainer
