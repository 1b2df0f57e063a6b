// What buying by batch needs, borrowed from whoever hosts it.
#pragma once

#include <filesystem>
#include <string>

#include "base/clock.h"
#include "base/http/transport.h"
#include "base/metrics/metrics.h"
#include "gateway/batches/batch_store.h"
#include "gateway/teachers/batch_api.h"
#include "gateway/teachers/batch_limits.h"
#include "gateway/teachers/teacher.h"

namespace limbeck::gateway {

// Everything is borrowed and must outlive its users.
struct BatchTools {
  // Its `batch` is set.
  const TeacherConfig* config = nullptr;
  // Its batches() is not null.
  const Provider* provider = nullptr;
  http::Transport* transport = nullptr;
  BatchStore* store = nullptr;
  Clock* clock = Clock::Real();
  // Null discards metrics.
  metrics::Registry* registry = nullptr;
  // Folder for results while they are read; made where it is missing.
  std::filesystem::path spool;

  const BatchApi& api() const { return *provider->batches(); }
  const BatchLimits& limits() const { return *config->batch; }
};

}  // namespace limbeck::gateway
