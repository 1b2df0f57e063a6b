#include "gateway/batches/settle_recorded.h"

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "base/status.h"

namespace limbeck::gateway {
namespace {

constexpr absl::Duration kTick = absl::Seconds(1);

struct Recorded {
  std::unique_ptr<BatchRun> run;
  SteadyTime due;
};

}  // namespace

absl::StatusOr<std::optional<Failure>> SettleRecorded(
    const BatchTools& tools, BatchCaller* caller, const std::string& owner, bool cancel,
    const DeliverResults& deliver, const std::function<void(size_t left)>& on_waiting) {
  LIMBECK_ASSIGN_OR_RETURN(std::vector<BatchRecord> records, tools.store->List(owner));
  std::vector<Recorded> open;
  for (BatchRecord& record : records) {
    Recorded recorded;
    recorded.run = std::make_unique<BatchRun>(tools, caller, std::move(record), deliver);
    if (cancel) recorded.run->Cancel();
    recorded.due = tools.clock->Now();
    open.push_back(std::move(recorded));
  }
  while (!open.empty()) {
    on_waiting(open.size());
    absl::Duration wait = kTick;
    for (auto it = open.begin(); it != open.end();) {
      if (it->due > tools.clock->Now()) {
        wait = std::min(wait, it->due - tools.clock->Now());
        ++it;
        continue;
      }
      BatchStep step = it->run->Step();
      if (caller->stopped()) return absl::CancelledError("stopped");
      if (step.stopped.has_value()) return step.stopped;
      it->due = tools.clock->Now() + step.wait;
      wait = std::min(wait, step.wait);
      it = step.ended ? open.erase(it) : it + 1;
    }
    if (!open.empty() && !caller->Sleep(wait)) return absl::CancelledError("stopped");
  }
  return std::nullopt;
}

}  // namespace limbeck::gateway
