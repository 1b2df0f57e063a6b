#include "tests/chaos/harvest_world.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/file.h"
#include "base/status.h"

namespace limbeck::testing {
namespace {

using nlohmann::json;

bool HarvestIsDone(const json& job) {
  for (const json& phase : job.value("phases", json::array())) {
    if (phase.value("kind", "") == "PHASE_KIND_HARVEST") {
      return phase.value("status", "") == "PHASE_STATUS_DONE";
    }
  }
  return false;
}

}  // namespace

absl::StatusOr<std::unique_ptr<HarvestWorld>> HarvestWorld::Start(HarvestOptions options) {
  LIMBECK_ASSIGN_OR_RETURN(options.cluster.teacher_script, KeywordTeacherScript(options.script));
  options.cluster.workers = 0;
  auto world = std::unique_ptr<HarvestWorld>(new HarvestWorld);
  world->rows_ = options.job.train_rows + options.job.held_out_rows;
  LIMBECK_ASSIGN_OR_RETURN(world->cluster_, Cluster::Start(std::move(options.cluster)));
  LIMBECK_ASSIGN_OR_RETURN(const auto file, WriteJob(options.job, world->cluster_->dir() / "job"));
  LIMBECK_ASSIGN_OR_RETURN(world->job_id_, CreateJob(*world->cluster_, file));
  return world;
}

size_t HarvestWorld::Served() const {
  // A line each; reading what is in them would cost more than what is tested.
  const auto invoice = ReadFile(cluster_->dir() / "invoice");
  return invoice.ok() ? static_cast<size_t>(std::count(invoice->begin(), invoice->end(), '\n')) : 0;
}

bool HarvestWorld::WaitUntilServed(size_t requests, absl::Duration timeout) const {
  return PollUntil(timeout, [&] { return Served() >= requests; });
}

bool HarvestWorld::Harvested() {
  const auto job = GetJob(*cluster_, job_id_);
  return job.ok() && HarvestIsDone(*job);
}

absl::StatusOr<json> HarvestWorld::WaitForHarvest(absl::Duration timeout) {
  return HarvestOf(*cluster_, job_id_, timeout);
}

absl::StatusOr<json> HarvestOf(Cluster& cluster, const std::string& job_id,
                               absl::Duration timeout) {
  absl::StatusOr<json> job = absl::UnknownError("not looked yet");
  const auto ended = [&] {
    job = GetJob(cluster, job_id);
    if (!job.ok()) return false;
    const std::string state = job->value("state", "");
    return HarvestIsDone(*job) || state == "JOB_STATE_PAUSED" || state == "JOB_STATE_FAILED";
  };
  const bool came = PollUntil(timeout, ended, kSlowPollPause);
  if (came) return job;
  return absl::DeadlineExceededError(
      absl::StrCat("the answers are not in: ", job.ok() ? job->dump(2) : job.status().ToString(),
                   cluster.Logs()));
}

}  // namespace limbeck::testing
