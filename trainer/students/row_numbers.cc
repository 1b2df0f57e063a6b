#include "trainer/students/row_numbers.h"

#include <array>
#include <cstddef>

namespace limbeck::trainer {
namespace {

constexpr uint32_t kDigitBits = 9;  // Counters of a pass stay in the first-level cache.

struct Entry {
  uint32_t row;
  uint32_t index;  // In the caller's order.
};

// Stable, by the digit that begins at bit `shift`.
void SortByDigit(uint32_t shift, const std::vector<Entry>& from, std::vector<Entry>* to) {
  constexpr uint32_t kMask = (1u << kDigitBits) - 1;
  std::array<size_t, kMask + 1> next{};
  for (const Entry& entry : from) ++next[(entry.row >> shift) & kMask];
  size_t begin = 0;
  for (size_t& count : next) {
    const size_t size = count;
    count = begin;
    begin += size;
  }
  for (const Entry& entry : from) (*to)[next[(entry.row >> shift) & kMask]++] = entry;
}

}  // namespace

std::vector<uint32_t> NumberRows(uint32_t bits, std::span<uint32_t> rows) {
  std::vector<Entry> entries(rows.size());
  std::vector<Entry> sorted(rows.size());
  for (size_t i = 0; i < rows.size(); ++i) entries[i] = {rows[i], static_cast<uint32_t>(i)};
  for (uint32_t shift = 0; shift < bits; shift += kDigitBits) {
    SortByDigit(shift, entries, &sorted);
    entries.swap(sorted);
  }
  std::vector<uint32_t> distinct;
  for (const Entry& entry : entries) {
    if (distinct.empty() || distinct.back() != entry.row) distinct.push_back(entry.row);
    rows[entry.index] = static_cast<uint32_t>(distinct.size() - 1);
  }
  return distinct;
}

}  // namespace limbeck::trainer
