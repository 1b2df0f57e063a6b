#include "tests/bench/memory_stream.h"

#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "base/file.h"
#include "base/status.h"
#include "cache/records/record_codec.h"
#include "tests/bench/sample_record.h"

namespace limbeck::bench {

absl::StatusOr<std::vector<cache::StreamItem>> DefinitionItems() {
  LIMBECK_ASSIGN_OR_RETURN(const std::string text, ReadFile("examples/definitions/train.jsonl"));
  std::vector<cache::StreamItem> items;
  for (size_t start = 0; start < text.size();) {
    const size_t end = text.find('\n', start);
    const auto row = nlohmann::json::parse(text.substr(start, end - start));
    cache::StreamItem item;
    item.example = {.row_id = row["id"], .input = row["text"], .gold = row["label"]};
    item.records = {cache::EncodeRecord(SampleOutput(1, 20, items.size()))};
    items.push_back(std::move(item));
    start = end + 1;
  }
  return items;
}

MemoryStream::MemoryStream(const std::vector<cache::StreamItem>* items,
                           const cache::StreamOptions& options)
    : items_(items), options_(options), epoch_(options.epoch), position_(options.position) {}

absl::StatusOr<cache::StreamItem> MemoryStream::Next() {
  const uint64_t batch = options_.global_batch;
  while (epoch_ < options_.epochs) {
    if (position_ >= items_->size()) {
      ++epoch_;
      position_ = 0;
      continue;
    }
    const uint64_t position = position_++;
    const uint64_t within = position % batch;
    if (within < options_.rank * batch / options_.world_size ||
        within >= (options_.rank + 1) * batch / options_.world_size) {
      continue;
    }
    cache::StreamItem item = (*items_)[position];
    item.epoch = epoch_;
    item.position = position;
    return item;
  }
  return absl::OutOfRangeError("end of the stream");
}

}  // namespace limbeck::bench
