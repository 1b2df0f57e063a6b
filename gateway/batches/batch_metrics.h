// Metrics of one teacher's batches.
#pragma once

#include <string>

#include "base/metrics/metrics.h"
#include "gateway/batches/reconciler.h"

namespace limbeck::gateway {

struct BatchMetrics {
  // Null discards.
  BatchMetrics(metrics::Registry* registry, const std::string& teacher) {
    if (registry == nullptr) return;
    created = registry->AddCounter("limbeck_gateway_batches_created_total",
                                   "Batches handed to the provider.", {{"teacher", teacher}});
    const auto lines = [&](const char* result) {
      return registry->AddCounter("limbeck_gateway_batch_lines_total",
                                  "Lines of batches that ended, and lines of results beyond them.",
                                  {{"teacher", teacher}, {"result", result}});
    };
    answered = lines("answered");
    failed = lines("failed");
    missing = lines("missing");
    duplicates = lines("duplicate");
    unknown = lines("unknown");
    unreadable = lines("unreadable");
  }

  void Count(const BatchTally& tally) {
    answered.Add(static_cast<double>(tally.answered));
    failed.Add(static_cast<double>(tally.failed));
    missing.Add(static_cast<double>(tally.missing));
    duplicates.Add(static_cast<double>(tally.duplicates));
    unknown.Add(static_cast<double>(tally.unknown));
    unreadable.Add(static_cast<double>(tally.unreadable));
  }

  metrics::Counter created;
  metrics::Counter answered;
  metrics::Counter failed;
  metrics::Counter missing;
  metrics::Counter duplicates;
  metrics::Counter unknown;
  metrics::Counter unreadable;
};

}  // namespace limbeck::gateway
