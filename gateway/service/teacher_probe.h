// What teachers were last seen to give: found by a few real calls, kept with their date.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "base/http/transport.h"
#include "base/kv/engine.h"
#include "base/metrics/metrics.h"
#include "gateway/service/teacher_set.h"
#include "limbeck/v1/teacher_service.pb.h"

namespace limbeck::gateway {

struct ProbeOptions {
  // Of each call, waiting for the quota pool included.
  absl::Duration timeout = absl::Seconds(60);
};

// What a probe may cost where the caller names no ceiling: 5 cents.
inline constexpr int64_t kDefaultProbeCeilingMicroUsd = 50'000;

// Thread-safe.
class TeacherProbe {
 public:
  // The engine must have been opened with these.
  static std::vector<std::string> Tables();

  // All borrowed; `registry` may be null. `transport` is for lists of models; questions go through
  // the teachers' own clients.
  TeacherProbe(kv::Engine* engine, http::Transport* transport, Clock* clock,
               metrics::Registry* registry, const ProbeOptions& options = {});

  // What Run would ask.
  static v1::TeacherProbePlan Plan(const TeacherSet::Teacher& teacher);

  // Asks the plan's questions one after another through the teacher's own limits and keeps what
  // came back. Their cost is logged and counted, but charged to no job. Errors: FAILED_PRECONDITION
  // when the plan's upper bound is above `max_micro_usd`, before anything is sent; UNAVAILABLE,
  // FAILED_PRECONDITION or DEADLINE_EXCEEDED with what the provider said when the first question
  // has no answer. The earlier result stays then. Further questions without an answer are notes,
  // and so is a list of models that cannot be had.
  absl::StatusOr<v1::TeacherCapability> Run(const TeacherSet::Teacher& teacher,
                                            int64_t max_micro_usd);

  // The last result; nullopt before the first.
  absl::StatusOr<std::optional<v1::TeacherCapability>> Last(const std::string& name) const;

 private:
  class Session;
  absl::Status Keep(const std::string& name, const v1::TeacherCapability& seen);

  kv::Engine* const engine_;
  http::Transport* const transport_;
  Clock* const clock_;
  const ProbeOptions options_;
  metrics::Counter probes_;
  metrics::Counter micro_usd_;
};

}  // namespace limbeck::gateway
