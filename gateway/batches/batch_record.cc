#include "gateway/batches/batch_record.h"

#include <limits>
#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "base/hash.h"
#include "base/kv/engine.h"
#include "base/string_view.h"

namespace limbeck::gateway {
namespace {

using nlohmann::json;

constexpr size_t kKeyBytes = 32;
constexpr size_t kNumberBytes = 8;
constexpr size_t kLineBytes = kKeyBytes + 3 * kNumberBytes;
constexpr size_t kCustomIdBytes = 16;
constexpr std::string_view kCustomIdSalt = "limbeck batch line";

absl::Status Damaged(std::string_view id) {
  return absl::DataLossError(absl::StrCat("the record of batch ", ToAbsl(id), " is damaged"));
}

}  // namespace

std::string CustomId(const BatchLine& line) {
  std::string named(kCustomIdSalt);
  named += line.key;
  kv::AppendOrderedU64(&named, line.fence);
  return HexEncode(Sha256(named).substr(0, kCustomIdBytes));
}

std::string BatchRecord::tag() const { return absl::StrCat(id, "-", attempt); }

std::string EncodeHead(const BatchRecord& record) {
  return json({{"teacher", record.teacher},
               {"input_file", record.input_file},
               {"attempt", record.attempt},
               {"remote_id", record.remote_id},
               {"created_micros", absl::ToUnixMicros(record.created)}})
      .dump();
}

absl::StatusOr<BatchRecord> DecodeHead(std::string_view owner, std::string_view id,
                                       std::string_view bytes) {
  const json head = json::parse(bytes, nullptr, false);
  BatchRecord record;
  record.owner = std::string(owner);
  record.id = std::string(id);
  try {
    record.teacher = head.at("teacher").get<std::string>();
    record.input_file = head.at("input_file").get<std::string>();
    record.attempt = head.at("attempt").get<uint32_t>();
    record.remote_id = head.at("remote_id").get<std::string>();
    record.created = absl::FromUnixMicros(head.at("created_micros").get<int64_t>());
  } catch (const json::exception&) {
    return Damaged(id);
  }
  return record;
}

std::string EncodeLines(const BatchLine* lines, size_t count) {
  std::string bytes;
  bytes.reserve(count * kLineBytes);
  for (size_t i = 0; i < count; ++i) {
    bytes += lines[i].key;
    kv::AppendOrderedU64(&bytes, lines[i].fence);
    kv::AppendOrderedU64(&bytes, static_cast<uint64_t>(lines[i].reserve_micro_usd));
    kv::AppendOrderedU64(&bytes, lines[i].top_logprobs);
  }
  return bytes;
}

absl::Status DecodeLines(std::string_view bytes, std::vector<BatchLine>* lines) {
  while (!bytes.empty()) {
    if (bytes.size() < kLineBytes) return absl::DataLossError("lines of a batch are damaged");
    BatchLine line;
    line.key = std::string(bytes.substr(0, kKeyBytes));
    bytes.remove_prefix(kKeyBytes);
    uint64_t reserve = 0;
    uint64_t candidates = 0;
    if (!kv::ConsumeOrderedU64(&bytes, &line.fence) || !kv::ConsumeOrderedU64(&bytes, &reserve) ||
        !kv::ConsumeOrderedU64(&bytes, &candidates) ||
        candidates > std::numeric_limits<uint32_t>::max()) {
      return absl::DataLossError("lines of a batch are damaged");
    }
    line.reserve_micro_usd = static_cast<int64_t>(reserve);
    line.top_logprobs = static_cast<uint32_t>(candidates);
    lines->push_back(std::move(line));
  }
  return absl::OkStatus();
}

}  // namespace limbeck::gateway
