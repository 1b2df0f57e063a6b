#include "cache/snapshots/item_codec.h"

#include "cache/records/wire.h"

namespace limbeck::cache {

size_t ItemBytes(std::string_view head) {
  uint32_t size = 0;
  WireReader(head).Fixed(&size);
  return kItemSizeBytes + size;
}

std::string EncodeItem(const TrainingExample& example, const std::vector<std::string>& records) {
  std::string body;
  PutString(&body, example.row_id);
  PutString(&body, example.input);
  PutString(&body, example.gold);
  PutVarint(&body, example.variant);
  PutVarint(&body, records.size());
  for (const std::string& record : records) PutString(&body, record);
  std::string item;
  PutFixed<uint32_t>(&item, static_cast<uint32_t>(body.size()));
  return item + body;
}

absl::StatusOr<PackedItem> DecodeItem(std::string_view* bytes) {
  WireReader outer(*bytes);
  uint32_t size = 0;
  std::string_view body;
  if (!outer.Fixed(&size) || !outer.Bytes(size, &body)) {
    return absl::DataLossError("damaged item: shorter than it says");
  }
  WireReader in(body);
  PackedItem item;
  uint64_t variant = 0, records = 0;
  bool ok = in.String(&item.example.row_id) && in.String(&item.example.input) &&
            in.String(&item.example.gold) && in.Varint(&variant) && variant <= UINT32_MAX &&
            in.Count(&records);
  if (ok) item.records.resize(records);
  for (size_t i = 0; ok && i < item.records.size(); ++i) ok = in.String(&item.records[i]);
  if (!ok || !in.AtEnd()) return absl::DataLossError("damaged item: impossible content");
  item.example.variant = static_cast<uint32_t>(variant);
  bytes->remove_prefix(sizeof size + body.size());
  return item;
}

}  // namespace limbeck::cache
