// Metrics of all harvests of a gateway together.
#pragma once

#include "base/metrics/metrics.h"

namespace limbeck::gateway {

struct HarvestMetrics {
  // Null discards.
  explicit HarvestMetrics(metrics::Registry* registry) {
    if (registry == nullptr) return;
    bought =
        registry->AddCounter("limbeck_gateway_answers_bought_total", "Answers bought and stored.");
    cached =
        registry->AddCounter("limbeck_gateway_answers_cached_total", "Answers found in the cache.");
    rejected =
        registry->AddCounter("limbeck_gateway_rejections_total", "Rows without a usable answer.");
    ambiguous = registry->AddCounter("limbeck_gateway_calls_ambiguous_total",
                                     "Calls that were sent and whose end is unknown.");
    spent = registry->AddCounter("limbeck_gateway_answers_micro_usd_total",
                                 "Cost of answers bought, micro-USD.");
    estimated = registry->AddCounter("limbeck_gateway_answers_estimated_micro_usd_total",
                                     "What the same answers were expected to cost, micro-USD.");
    unusable = registry->AddCounter("limbeck_gateway_unusable_micro_usd_total",
                                    "Cost of calls whose answers were billed and of no use.");
    usage_missing =
        registry->AddCounter("limbeck_gateway_usage_missing_total",
                             "Answers without the provider's usage: their upper bound counts.");
    above_bound = registry->AddCounter("limbeck_gateway_calls_above_bound_total",
                                       "Answers that cost more than was reserved for them.");
    claimed = registry->AddGauge("limbeck_gateway_queries_claimed",
                                 "Queries claimed and not settled yet.");
  }

  metrics::Counter bought;
  metrics::Counter cached;
  metrics::Counter rejected;
  metrics::Counter ambiguous;
  metrics::Counter spent;
  metrics::Counter estimated;
  metrics::Counter unusable;
  metrics::Counter usage_missing;
  metrics::Counter above_bound;
  metrics::Gauge claimed;
};

}  // namespace limbeck::gateway
