#include "gateway/service/quota_options.h"

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"

namespace limbeck::gateway {
namespace {

constexpr uint32_t kDefaultMaxConcurrency = 32;
constexpr uint32_t kMaxConcurrency = 100'000;
constexpr uint32_t kMaxParkSeconds = 86'400;
constexpr uint32_t kMaxWindowSeconds = 31 * 86'400;
constexpr uint32_t kMaxLeaseSeconds = 300;
constexpr uint32_t kMinLeaseSeconds = 2;
constexpr uint64_t kMaxAmount = uint64_t{1} << 60;
constexpr int kMaxLimits = 16;
// Limits per hour and longer are counted from a beginning by every provider known.
constexpr absl::Duration kFixedFrom = absl::Hours(1);

class Reader {
 public:
  explicit Reader(QuotaPoolOptions* options) : options_(options) {}

  std::vector<FieldViolation> Read(const v1::QuotaPoolConfig& pool) {
    options_->requests_per_minute = pool.requests_per_minute();
    options_->input_tokens_per_minute =
        Amount("input_tokens_per_minute", pool.input_tokens_per_minute());
    options_->output_tokens_per_minute =
        Amount("output_tokens_per_minute", pool.output_tokens_per_minute());
    ReadConcurrency(pool);
    if (pool.max_park_seconds() > kMaxParkSeconds) {
      Fault("max_park_seconds", absl::StrCat("is above ", kMaxParkSeconds));
    } else if (pool.max_park_seconds() > 0) {
      options_->max_pause = absl::Seconds(pool.max_park_seconds());
    }
    options_->shared = pool.shared();
    const uint32_t lease = pool.claim_seconds();
    if (lease > 0 && (lease < kMinLeaseSeconds || lease > kMaxLeaseSeconds)) {
      Fault("claim_seconds",
            absl::StrCat("is ", lease, "; expected ", kMinLeaseSeconds, " … ", kMaxLeaseSeconds));
    } else if (lease > 0) {
      options_->lease = absl::Seconds(lease);
    }
    if (pool.limits_size() > kMaxLimits) {
      Fault("limits", absl::StrCat("has ", pool.limits_size(), " entries; at most ", kMaxLimits));
    }
    for (int i = 0; i < pool.limits_size(); ++i)
      ReadLimit(absl::StrCat("limits[", i, "]"), pool.limits(i));
    return std::move(faults_);
  }

 private:
  void Fault(std::string field, std::string what) {
    faults_.push_back({std::move(field), std::move(what)});
  }

  int64_t Amount(std::string field, uint64_t value) {
    if (value <= kMaxAmount) return static_cast<int64_t>(value);
    Fault(std::move(field), "is too large; 0 means no limit");
    return 0;
  }

  void ReadConcurrency(const v1::QuotaPoolConfig& pool) {
    options_->max_concurrent =
        pool.max_concurrency() == 0 ? kDefaultMaxConcurrency : pool.max_concurrency();
    if (options_->max_concurrent > kMaxConcurrency) {
      Fault("max_concurrency", absl::StrCat("is above ", kMaxConcurrency));
    }
    options_->start_concurrent = pool.start_concurrency();
    if (options_->start_concurrent > options_->max_concurrent) {
      Fault("start_concurrency",
            absl::StrCat("is above max_concurrency, ", options_->max_concurrent));
    }
  }

  void ReadLimit(const std::string& path, const v1::QuotaLimit& given) {
    QuotaLimit limit;
    switch (given.kind()) {
      case v1::QuotaLimit::KIND_REQUESTS:
        limit.kind = QuotaKind::kRequests;
        break;
      case v1::QuotaLimit::KIND_INPUT_TOKENS:
        limit.kind = QuotaKind::kInputTokens;
        break;
      case v1::QuotaLimit::KIND_OUTPUT_TOKENS:
        limit.kind = QuotaKind::kOutputTokens;
        break;
      case v1::QuotaLimit::KIND_TOTAL_TOKENS:
        limit.kind = QuotaKind::kTotalTokens;
        break;
      default:
        Fault(path + ".kind",
              "is required: KIND_REQUESTS, KIND_INPUT_TOKENS, KIND_OUTPUT_TOKENS or "
              "KIND_TOTAL_TOKENS");
    }
    if (given.window_seconds() > kMaxWindowSeconds) {
      Fault(path + ".window_seconds", absl::StrCat("is above ", kMaxWindowSeconds));
    } else if (given.window_seconds() > 0) {
      limit.window = absl::Seconds(given.window_seconds());
    }
    if (given.amount() == 0) Fault(path + ".amount", "is required and at least 1");
    limit.amount = Amount(path + ".amount", given.amount());
    limit.burst = Amount(path + ".burst", given.burst());
    limit.fixed_window =
        given.has_fixed_window() ? given.fixed_window() : limit.window >= kFixedFrom;
    options_->limits.push_back(limit);
  }

  QuotaPoolOptions* const options_;
  std::vector<FieldViolation> faults_;
};

}  // namespace

std::vector<FieldViolation> SetQuotaOptions(const v1::QuotaPoolConfig& pool,
                                            QuotaPoolOptions* options) {
  return Reader(options).Read(pool);
}

}  // namespace limbeck::gateway
