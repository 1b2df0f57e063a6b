// What teachers were last seen to give: found by one real call, kept with its date.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "base/kv/engine.h"
#include "base/metrics/metrics.h"
#include "gateway/service/teacher_set.h"
#include "limbeck/v1/teacher_service.pb.h"

namespace limbeck::gateway {

struct ProbeOptions {
  // The whole call, waiting for the quota pool included.
  absl::Duration timeout = absl::Seconds(60);
};

// Thread-safe.
class TeacherProbe {
 public:
  // The engine must have been opened with these.
  static std::vector<std::string> Tables();

  // All borrowed; `registry` may be null.
  TeacherProbe(kv::Engine* engine, Clock* clock, metrics::Registry* registry,
               const ProbeOptions& options = {});

  // Asks one short question through the teacher's own limits and keeps what came back. What the
  // call costs is logged and counted, but charged to no job. Errors: UNAVAILABLE,
  // FAILED_PRECONDITION or DEADLINE_EXCEEDED with what the provider said; the earlier result stays.
  absl::StatusOr<v1::TeacherCapability> Run(const TeacherSet::Teacher& teacher);

  // The last result; nullopt before the first.
  absl::StatusOr<std::optional<v1::TeacherCapability>> Last(const std::string& name) const;

 private:
  kv::Engine* const engine_;
  Clock* const clock_;
  const ProbeOptions options_;
  metrics::Counter probes_;
  metrics::Counter micro_usd_;
};

}  // namespace limbeck::gateway
