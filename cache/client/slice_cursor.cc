#include "cache/client/slice_cursor.h"

#include <algorithm>

namespace limbeck::cache {

SliceCursor::SliceCursor(const std::vector<grpc::Slice>* slices) : slices_(slices) {
  for (const grpc::Slice& slice : *slices) left_ += slice.size();
  Skip(0);
}

std::string_view SliceCursor::Piece() const {
  if (left_ == 0) return {};
  const grpc::Slice& slice = (*slices_)[slice_];
  return std::string_view(reinterpret_cast<const char*>(slice.begin()), slice.size())
      .substr(offset_, left_);
}

bool SliceCursor::Skip(size_t size) {
  if (size > left_) return false;
  left_ -= size;
  offset_ += size;
  // Onto a piece with something in it, so that Piece is never empty before the end.
  while (left_ > 0 && offset_ >= (*slices_)[slice_].size()) {
    offset_ -= (*slices_)[slice_++].size();
  }
  return true;
}

bool SliceCursor::Bytes(size_t size, std::string* scratch, std::string_view* bytes) {
  if (size > left_) return false;
  if (Piece().size() >= size) {
    *bytes = Piece().substr(0, size);
    return Skip(size);
  }
  scratch->clear();
  while (scratch->size() < size) {
    const std::string_view piece = Piece().substr(0, size - scratch->size());
    scratch->append(piece);
    Skip(piece.size());
  }
  *bytes = *scratch;
  return true;
}

bool SliceCursor::Varint(uint64_t* value) {
  constexpr int kMaxBits = 64;
  *value = 0;
  for (int shift = 0; shift < kMaxBits; shift += 7) {
    if (left_ == 0) return false;
    const auto byte = static_cast<unsigned char>(Piece()[0]);
    Skip(1);
    *value |= static_cast<uint64_t>(byte & 0x7f) << shift;
    if (byte < 0x80) return true;
  }
  return false;
}

bool SliceCursor::Fixed64(uint64_t* value) {
  std::string scratch;
  std::string_view bytes;
  if (!Bytes(sizeof *value, &scratch, &bytes)) return false;
  *value = 0;
  for (size_t i = sizeof *value; i-- > 0;) {
    *value = *value << 8 | static_cast<unsigned char>(bytes[i]);
  }
  return true;
}

}  // namespace limbeck::cache
