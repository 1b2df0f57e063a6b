#include "base/kv/engine.h"

namespace limbeck::kv {
namespace {

// A zero byte inside a part becomes kEscape kEscapedZero; kEscape kPartEnd closes the part. The
// end sorts below every continuation, so that a part sorts before the parts it is a prefix of.
constexpr char kEscape = '\x00';
constexpr char kEscapedZero = '\xff';
constexpr char kPartEnd = '\x01';

constexpr size_t kU64Size = 8;

}  // namespace

void WriteBatch::Put(std::string_view table, std::string_view key, std::string_view value) {
  operations_.push_back(
      {Operation::Kind::kPut, std::string(table), std::string(key), std::string(value)});
  bytes_ += key.size() + value.size();
}

void WriteBatch::Delete(std::string_view table, std::string_view key) {
  operations_.push_back({Operation::Kind::kDelete, std::string(table), std::string(key), ""});
  bytes_ += key.size();
}

void WriteBatch::ExpectAbsent(std::string_view table, std::string_view key) {
  operations_.push_back({Operation::Kind::kExpectAbsent, std::string(table), std::string(key), ""});
  bytes_ += key.size();
}

void WriteBatch::ExpectValue(std::string_view table, std::string_view key, std::string_view value) {
  operations_.push_back(
      {Operation::Kind::kExpectValue, std::string(table), std::string(key), std::string(value)});
  bytes_ += key.size() + value.size();
}

std::string PrefixEnd(std::string_view prefix) {
  std::string end(prefix);
  while (!end.empty() && end.back() == '\xff') end.pop_back();
  if (!end.empty()) end.back() = static_cast<char>(static_cast<unsigned char>(end.back()) + 1);
  return end;
}

void AppendOrderedU64(std::string* key, uint64_t value) {
  for (int shift = 56; shift >= 0; shift -= 8) key->push_back(static_cast<char>(value >> shift));
}

void AppendOrderedString(std::string* key, std::string_view part) {
  key->reserve(key->size() + part.size() + 2);
  for (const char byte : part) {
    key->push_back(byte);
    if (byte == kEscape) key->push_back(kEscapedZero);
  }
  key->push_back(kEscape);
  key->push_back(kPartEnd);
}

bool ConsumeOrderedU64(std::string_view* key, uint64_t* value) {
  if (key->size() < kU64Size) return false;
  *value = 0;
  for (size_t i = 0; i < kU64Size; ++i) {
    *value = (*value << 8) | static_cast<unsigned char>((*key)[i]);
  }
  key->remove_prefix(kU64Size);
  return true;
}

bool ConsumeOrderedString(std::string_view* key, std::string* part) {
  std::string read;
  for (size_t i = 0; i < key->size(); ++i) {
    if ((*key)[i] != kEscape) {
      read.push_back((*key)[i]);
      continue;
    }
    if (++i == key->size()) return false;
    if ((*key)[i] == kPartEnd) {
      key->remove_prefix(i + 1);
      *part = std::move(read);
      return true;
    }
    if ((*key)[i] != kEscapedZero) return false;
    read.push_back(kEscape);
  }
  return false;
}

}  // namespace limbeck::kv
