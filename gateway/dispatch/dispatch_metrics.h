// Metrics of one teacher's calls.
#pragma once

#include <string>

#include "base/metrics/metrics.h"

namespace limbeck::gateway {

struct DispatchMetrics {
  DispatchMetrics() = default;
  // Null discards.
  DispatchMetrics(metrics::Registry* registry, const std::string& teacher) {
    if (registry == nullptr) return;
    const metrics::Labels labels = {{"teacher", teacher}};
    waiting = registry->AddGauge("limbeck_gateway_teacher_calls_waiting",
                                 "Calls accepted and not on the way.", labels);
    circuit_open = registry->AddGauge("limbeck_gateway_teacher_circuit_open",
                                      "1 while the teacher only fails and is not asked.", labels);
    first_tries = registry->AddCounter("limbeck_gateway_teacher_first_tries_total",
                                       "Calls sent for the first time.", labels);
    retries = registry->AddCounter("limbeck_gateway_teacher_retries_total",
                                   "Calls sent again after a failure.", labels);
    hedges = registry->AddCounter("limbeck_gateway_teacher_hedges_total",
                                  "Second tries sent beside a slow first one.", labels);
    hedges_won = registry->AddCounter("limbeck_gateway_teacher_hedges_won_total",
                                      "Second tries whose answer came first.", labels);
  }

  metrics::Gauge waiting;
  metrics::Gauge circuit_open;
  metrics::Counter first_tries;
  metrics::Counter retries;
  metrics::Counter hedges;
  metrics::Counter hedges_won;
};

}  // namespace limbeck::gateway
