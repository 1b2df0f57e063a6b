// The gateway is killed when half of a job's answers are there, and started again: how many calls
// does the teacher bill for each answer that is wanted? Twenty kills.
#include <algorithm>
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "tests/bench/figure.h"
#include "tests/chaos/harvest_world.h"

namespace limbeck::bench {
namespace {

using testing::Count;
using testing::Excess;
using testing::HarvestOptions;
using testing::HarvestWorld;

constexpr int kKills = 20;
constexpr size_t kTrainRows = 900;
constexpr size_t kHeldOutRows = 100;
constexpr uint32_t kInFlight = 16;

struct Spend {
  double billed_per_key = 0;
  size_t excess = 0;
  int64_t ambiguous = 0;
};

absl::StatusOr<Spend> KillOnce() {
  HarvestOptions options;
  options.job.train_rows = kTrainRows;
  options.job.held_out_rows = kHeldOutRows;
  options.cluster.max_concurrency = kInFlight;
  options.script = {{"latency_ms", 20}, {"latency_jitter_ms", 20}};
  LIMBECK_ASSIGN_OR_RETURN(const auto world, HarvestWorld::Start(std::move(options)));
  if (!world->WaitUntilServed(world->rows() / 2, absl::Seconds(60))) {
    return absl::DeadlineExceededError("half of the answers did not come");
  }
  LIMBECK_RETURN_IF_ERROR(world->cluster().Kill("gateway"));
  LIMBECK_RETURN_IF_ERROR(world->cluster().Restart("gateway"));
  LIMBECK_ASSIGN_OR_RETURN(const auto job, world->WaitForHarvest(absl::Seconds(120)));
  LIMBECK_ASSIGN_OR_RETURN(const auto invoice, world->cluster().Invoice());
  Spend spend;
  spend.excess = Excess(invoice);
  spend.ambiguous = Count(job["progress"], "calls_ambiguous");
  spend.billed_per_key =
      static_cast<double>(invoice.size()) / static_cast<double>(invoice.size() - spend.excess);
  if (static_cast<int64_t>(spend.excess) > spend.ambiguous) {
    return absl::InternalError(absl::StrCat(spend.excess, " calls too many, but the ledger lists ",
                                            spend.ambiguous, " as ambiguous"));
  }
  return spend;
}

absl::Status Measure() {
  Figure figure{.name = "resume_spend", .unit = "calls billed per distinct key"};
  double worst = 0;
  size_t excess = 0;
  int64_t ambiguous = 0;
  for (int kill = 0; kill < kKills; ++kill) {
    LIMBECK_ASSIGN_OR_RETURN(const Spend spend, KillOnce());
    figure.runs.push_back(spend.billed_per_key);
    worst = std::max(worst, spend.billed_per_key);
    excess += spend.excess;
    ambiguous += spend.ambiguous;
  }
  figure.limit = 1 + static_cast<double>(kInFlight) / (kTrainRows + kHeldOutRows);
  figure.limit_is = absl::StrCat(
      "goal: 1 + calls on the wire / rows, never above; worst of ", kKills, " kills ", worst, ", ",
      excess, " calls too many in all, each of ", ambiguous, " that the ledger lists as ambiguous");
  Print(figure);
  return absl::OkStatus();
}

}  // namespace
}  // namespace limbeck::bench

int main() { return limbeck::bench::Main("bench_resume_spend", limbeck::bench::Measure); }
