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
    claimed = registry->AddGauge("limbeck_gateway_queries_claimed",
                                 "Queries claimed and not settled yet.");
  }

  metrics::Counter bought;
  metrics::Counter cached;
  metrics::Counter rejected;
  metrics::Counter ambiguous;
  metrics::Gauge claimed;
};

}  // namespace limbeck::gateway
