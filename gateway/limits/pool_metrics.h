// Metrics of one quota pool.
#pragma once

#include <string>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/metrics/metrics.h"
#include "gateway/limits/quota.h"

namespace limbeck::gateway {

struct PoolMetrics {
  // Null discards.
  PoolMetrics(metrics::Registry* registry, const std::string& pool) {
    if (registry == nullptr) return;
    const metrics::Labels labels = {{"pool", pool}};
    in_flight = registry->AddGauge("limbeck_gateway_pool_calls_in_flight",
                                   "Calls on the way, by quota pool.", labels);
    concurrency = registry->AddGauge("limbeck_gateway_pool_concurrency_limit",
                                     "Calls that may be on the way at once at present.", labels);
    parked_until = registry->AddGauge(
        "limbeck_gateway_pool_parked_until_seconds",
        "Unix time until which the provider asked to wait; 0 when it did not.", labels);
    rate_limited = registry->AddCounter("limbeck_gateway_pool_rate_limited_total",
                                        "Answers with status 429.", labels);
  }

  static metrics::Gauge Balance(metrics::Registry* registry, const std::string& pool,
                                const QuotaLimit& limit) {
    if (registry == nullptr) return {};
    return registry->AddGauge(
        "limbeck_gateway_pool_balance",
        "What is left of a limit; negative is debt that is being paid off.",
        {{"pool", pool},
         {"kind", std::string(QuotaKindName(limit.kind))},
         {"window_seconds", absl::StrCat(absl::ToInt64Seconds(limit.window))}});
  }

  metrics::Gauge in_flight;
  metrics::Gauge concurrency;
  metrics::Gauge parked_until;
  metrics::Counter rate_limited;
};

}  // namespace limbeck::gateway
