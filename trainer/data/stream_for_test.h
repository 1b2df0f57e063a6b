// A cache stream in memory with the real one's order, shares and cursor; for tests.
#pragma once

#include <cmath>
#include <memory>
#include <numeric>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/hash.h"
#include "cache/client/cache_client.h"
#include "cache/records/record_codec.h"

namespace limbeck::trainer {

// A record whose first token has the given labels with the given probabilities.
inline std::string RecordForTest(const std::vector<std::pair<std::string, double>>& candidates) {
  cache::SoftOutput output{.support = cache::Support::kTopK, .top_logprobs = 20};
  cache::Token token;
  for (const auto& [text, probability] : candidates) {
    token.candidates.push_back(
        {.bytes = text, .logprob = static_cast<float>(std::log(probability))});
  }
  token.bytes = candidates[0].first;
  token.logprob = token.candidates[0].logprob;
  output.text = token.bytes;
  output.tokens = {token};
  output.finish_reason = cache::FinishReason::kStop;
  output.provenance.model = "teacher-of-tests";
  return cache::EncodeRecord(output);
}

// Texts of two kinds ("red …", "blue …") with a teacher who is nearly sure.
inline std::vector<cache::StreamItem> ItemsForTest(size_t count) {
  static constexpr const char* kWords[] = {"stone", "bird", "river", "cloud", "house"};
  std::vector<cache::StreamItem> items(count);
  for (size_t i = 0; i < count; ++i) {
    const bool red = i % 2 == 0;
    items[i].example = {.row_id = absl::StrCat("r", i),
                        .input = absl::StrCat(red ? "red " : "blue ", kWords[i % 5], " ", i),
                        .gold = red ? "red" : "blue"};
    const double sure = 0.80 + 0.01 * static_cast<double>(i % 10);
    items[i].records = {RecordForTest(
        {{red ? "red" : "blue", sure}, {red ? "blue" : "red", 0.95 - sure}, {"other", 0.05}})};
  }
  return items;
}

// Plays `items` as a cache server would. Fails with UNAVAILABLE after `fail_after` items.
class StreamForTest : public cache::ItemStream {
 public:
  StreamForTest(const std::vector<cache::StreamItem>* items, const cache::StreamOptions& options,
                uint64_t fail_after = ~uint64_t{0})
      : items_(items),
        options_(options),
        epoch_(options.epoch),
        position_(options.position),
        left_(fail_after) {}

  absl::StatusOr<cache::StreamItem> Next() override {
    while (epoch_ < options_.epochs) {
      if (position_ >= items_->size()) {
        ++epoch_;
        position_ = 0;
        continue;
      }
      const uint64_t b = options_.global_batch;
      const uint64_t within = position_ % b;
      const bool mine = within >= options_.rank * b / options_.world_size &&
                        within < (options_.rank + 1) * b / options_.world_size;
      const uint64_t position = position_++;
      if (!mine) continue;
      if (left_-- == 0) return absl::UnavailableError("cut by the test");
      cache::StreamItem item = (*items_)[Order(position)];
      item.epoch = epoch_;
      item.position = position;
      return item;
    }
    return absl::OutOfRangeError("end");
  }
  void Cancel() override {}

 private:
  size_t Order(uint64_t position) const {
    if (options_.sequential) return position;
    std::vector<size_t> order(items_->size());
    std::iota(order.begin(), order.end(), size_t{0});
    StableRandom random(options_.seed, epoch_);
    for (size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[random.Below(i)]);
    return order[position];
  }

  const std::vector<cache::StreamItem>* const items_;
  const cache::StreamOptions options_;
  uint32_t epoch_;
  uint64_t position_;
  uint64_t left_;
};

}  // namespace limbeck::trainer
