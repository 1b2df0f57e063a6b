#include "gateway/jobs/job_keys.h"

#include <limits>

#include "absl/strings/str_cat.h"
#include "base/hash.h"
#include "base/kv/engine.h"

namespace limbeck::gateway {
namespace {

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

}  // namespace

std::string RequestKey(std::string_view team, std::string_view request_id) {
  std::string key;
  kv::AppendOrderedString(&key, team);
  kv::AppendOrderedString(&key, request_id);
  return key;
}

std::string TimeKey(int64_t unix_micros, std::string_view id) {
  std::string key;
  kv::AppendOrderedU64(&key,
                       std::numeric_limits<uint64_t>::max() - static_cast<uint64_t>(unix_micros));
  kv::AppendOrderedString(&key, id);
  return key;
}

std::string JobPrefix(std::string_view id) {
  std::string key;
  kv::AppendOrderedString(&key, id);
  return key;
}

std::string EventKey(std::string_view id, uint64_t cursor) {
  std::string key = JobPrefix(id);
  kv::AppendOrderedU64(&key, cursor);
  return key;
}

std::string RejectionKeyOf(std::string_view id, const RejectionKey& key) {
  std::string out = JobPrefix(id);
  kv::AppendOrderedString(&out, key.dataset);
  kv::AppendOrderedU64(&out, key.row);
  kv::AppendOrderedU64(&out, key.variant);
  return out;
}

std::string PageToken(std::string_view key) { return HexEncode(key); }

absl::StatusOr<std::string> PageStart(std::string_view begin, std::string_view token) {
  if (token.empty()) return std::string(begin);
  std::string key;
  bool sound = token.size() % 2 == 0;
  for (size_t i = 0; sound && i < token.size(); i += 2) {
    const int high = HexDigit(token[i]);
    const int low = HexDigit(token[i + 1]);
    sound = high >= 0 && low >= 0;
    key.push_back(static_cast<char>(high * 16 + low));
  }
  if (!sound || key < begin) {
    return absl::InvalidArgumentError(
        "page_token is not one of this list; pass next_page_token of the answer before as it is");
  }
  key.push_back('\0');
  return key;
}

absl::StatusOr<uint32_t> PageSize(uint32_t size) {
  if (size == 0) return kDefaultPageSize;
  if (size <= kMaxPageSize) return size;
  return absl::InvalidArgumentError(
      absl::StrCat("page_size is ", size, "; expected 1 to ", kMaxPageSize));
}

}  // namespace limbeck::gateway
