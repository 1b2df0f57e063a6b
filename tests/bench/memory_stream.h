// A cache stream without a cache, so that training is measured alone.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "cache/client/cache_client.h"

namespace limbeck::bench {

// The definitions task's training rows, each with a record of 20 candidates led by its label.
absl::StatusOr<std::vector<cache::StreamItem>> DefinitionItems();

// Plays a worker's share of `items`, which must outlive it, in stored order, epoch after epoch.
class MemoryStream : public cache::ItemStream {
 public:
  MemoryStream(const std::vector<cache::StreamItem>* items, const cache::StreamOptions& options);
  absl::StatusOr<cache::StreamItem> Next() override;
  void Cancel() override {}

 private:
  const std::vector<cache::StreamItem>* const items_;
  const cache::StreamOptions options_;
  uint32_t epoch_;
  uint64_t position_;
};

}  // namespace limbeck::bench
