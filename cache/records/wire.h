// Little-endian integers, LEB128 varints and length-prefixed strings, shared by the record and pack
// formats. The reader never trusts a length: every read is checked against what is left.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace limbeck::cache {

template <typename T>
inline void PutFixed(std::string* out, T value) {
  for (size_t i = 0; i < sizeof(T); ++i) {
    out->push_back(static_cast<char>(static_cast<uint64_t>(value) >> (8 * i)));
  }
}

inline void PutVarint(std::string* out, uint64_t value) {
  while (value >= 0x80) {
    out->push_back(static_cast<char>(value | 0x80));
    value >>= 7;
  }
  out->push_back(static_cast<char>(value));
}

inline void PutString(std::string* out, std::string_view text) {
  PutVarint(out, text.size());
  out->append(text);
}

// Reads forward over borrowed bytes. Each method returns false, and stays false, once the input is
// malformed or exhausted.
class WireReader {
 public:
  explicit WireReader(std::string_view data) : data_(data) {}

  template <typename T>
  bool Fixed(T* value) {
    if (data_.size() < sizeof(T)) return Fail();
    uint64_t result = 0;
    for (size_t i = 0; i < sizeof(T); ++i) {
      result |= static_cast<uint64_t>(static_cast<unsigned char>(data_[i])) << (8 * i);
    }
    *value = static_cast<T>(result);
    data_.remove_prefix(sizeof(T));
    return true;
  }

  // Refuses encodings longer than needed, so that equal values have equal bytes.
  bool Varint(uint64_t* value) {
    uint64_t result = 0;
    for (size_t i = 0; i < data_.size() && i < 10; ++i) {
      const auto byte = static_cast<unsigned char>(data_[i]);
      if (i == 9 && byte > 1) return Fail();
      result |= static_cast<uint64_t>(byte & 0x7f) << (7 * i);
      if (byte >= 0x80) continue;
      if (i > 0 && byte == 0) return Fail();
      data_.remove_prefix(i + 1);
      *value = result;
      return true;
    }
    return Fail();
  }

  // A count of things that each take at least `bytes_each` of what is left.
  bool Count(uint64_t* count, size_t bytes_each = 1) {
    return Varint(count) && (*count <= data_.size() / bytes_each || Fail());
  }

  bool Bytes(uint64_t size, std::string_view* bytes) {
    if (size > data_.size()) return Fail();
    *bytes = data_.substr(0, size);
    data_.remove_prefix(size);
    return true;
  }

  bool View(std::string_view* text) {
    uint64_t size;
    return Varint(&size) && Bytes(size, text);
  }

  bool String(std::string* text) {
    std::string_view view;
    if (!View(&view)) return false;
    text->assign(view);
    return true;
  }

  bool AtEnd() const { return !failed_ && data_.empty(); }
  size_t left() const { return data_.size(); }

 private:
  bool Fail() {
    failed_ = true;
    data_ = {};
    return false;
  }

  std::string_view data_;
  bool failed_ = false;
};

}  // namespace limbeck::cache
