#include "gateway/jobs/state_machine.h"

#include <array>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace limbeck::gateway {
namespace {

struct Edge {
  v1::JobState from;
  v1::JobState to;
};

constexpr std::array kEdges = {
    Edge{v1::JOB_STATE_VALIDATING, v1::JOB_STATE_QUEUED},
    Edge{v1::JOB_STATE_VALIDATING, v1::JOB_STATE_FAILED},
    Edge{v1::JOB_STATE_QUEUED, v1::JOB_STATE_RUNNING},
    Edge{v1::JOB_STATE_QUEUED, v1::JOB_STATE_PAUSED},
    Edge{v1::JOB_STATE_QUEUED, v1::JOB_STATE_CANCELLING},
    Edge{v1::JOB_STATE_QUEUED, v1::JOB_STATE_FAILED},
    Edge{v1::JOB_STATE_RUNNING, v1::JOB_STATE_PAUSED},
    Edge{v1::JOB_STATE_RUNNING, v1::JOB_STATE_CANCELLING},
    Edge{v1::JOB_STATE_RUNNING, v1::JOB_STATE_SUCCEEDED},
    Edge{v1::JOB_STATE_RUNNING, v1::JOB_STATE_FAILED},
    Edge{v1::JOB_STATE_PAUSED, v1::JOB_STATE_QUEUED},
    Edge{v1::JOB_STATE_PAUSED, v1::JOB_STATE_CANCELLING},
    Edge{v1::JOB_STATE_CANCELLING, v1::JOB_STATE_CANCELLED},
};

}  // namespace

bool IsTerminal(v1::JobState state) {
  return state == v1::JOB_STATE_SUCCEEDED || state == v1::JOB_STATE_FAILED ||
         state == v1::JOB_STATE_CANCELLED;
}

bool NeedsRunner(v1::JobState state) {
  return state == v1::JOB_STATE_QUEUED || state == v1::JOB_STATE_RUNNING ||
         state == v1::JOB_STATE_CANCELLING;
}

std::string StateName(v1::JobState state) {
  constexpr size_t kPrefix = sizeof("JOB_STATE_") - 1;
  const std::string& name = v1::JobState_Name(state);
  return name.size() > kPrefix ? name.substr(kPrefix) : absl::StrCat("state ", int{state});
}

absl::Status CheckTransition(v1::JobState from, v1::JobState to) {
  if (from == to) return absl::OkStatus();
  std::vector<std::string> sources;
  for (const Edge& edge : kEdges) {
    if (edge.to != to) continue;
    if (edge.from == from) return absl::OkStatus();
    sources.push_back(StateName(edge.from));
  }
  return absl::FailedPreconditionError(absl::StrCat("the job is ", StateName(from),
                                                    "; it can become ", StateName(to),
                                                    " only from ", absl::StrJoin(sources, ", ")));
}

}  // namespace limbeck::gateway
