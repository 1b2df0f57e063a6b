#include "gateway/service/batch_options.h"

#include <cstdint>

#include "absl/strings/str_cat.h"

namespace limbeck::gateway {
namespace {

// OpenAI's own limits of a batch; https://platform.openai.com/docs/guides/batch
constexpr uint64_t kMostRequests = 50'000;
constexpr uint64_t kMostBytes = 200'000'000;

// The number given, or what stands for none; a fault when it is out of range.
class Range {
 public:
  explicit Range(std::vector<FieldViolation>* violations) : violations_(violations) {}

  uint64_t Read(const char* field, uint64_t given, uint64_t fallback, uint64_t least,
                uint64_t most) {
    if (given == 0) return fallback;
    if (given >= least && given <= most) return given;
    violations_->push_back({absl::StrCat("batch.", field),
                            absl::StrCat("is ", given, "; expected ", least, " … ", most)});
    return fallback;
  }

 private:
  std::vector<FieldViolation>* const violations_;
};

}  // namespace

std::vector<FieldViolation> SetBatchLimits(const v1::BatchPurchase& given, BatchLimits* limits) {
  std::vector<FieldViolation> violations;
  Range range(&violations);
  const auto seconds = [](absl::Duration duration) {
    return static_cast<uint64_t>(absl::ToInt64Seconds(duration));
  };
  limits->price_percent = static_cast<uint32_t>(
      range.Read("price_percent", given.price_percent(), limits->price_percent, 1, 100));
  limits->max_requests =
      range.Read("max_requests", given.max_requests(), limits->max_requests, 1, kMostRequests);
  limits->max_bytes =
      range.Read("max_bytes", given.max_bytes(), limits->max_bytes, 1000, kMostBytes);
  limits->max_batches = range.Read("max_batches", given.max_batches(), limits->max_batches, 1, 100);
  limits->poll = absl::Seconds(
      range.Read("poll_seconds", given.poll_seconds(), seconds(limits->poll), 1, 3600));
  limits->patience = absl::Seconds(range.Read("patience_seconds", given.patience_seconds(),
                                              seconds(limits->patience), 60, 172'800));
  limits->gather = absl::Milliseconds(
      range.Read("gather_milliseconds", given.gather_milliseconds(),
                 static_cast<uint64_t>(absl::ToInt64Milliseconds(limits->gather)), 1, 3'600'000));
  limits->park = absl::Seconds(
      range.Read("park_seconds", given.park_seconds(), seconds(limits->park), 1, 86'400));
  return violations;
}

}  // namespace limbeck::gateway
