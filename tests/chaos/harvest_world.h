// A cluster that buys the answers of one job, and the books afterwards.
#pragma once

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "nlohmann/json.hpp"
#include "tests/e2e/definitions_job.h"
#include "tests/e2e/job_run.h"
#include "tests/support/cluster.h"

namespace limbeck::testing {

struct HarvestOptions {
  ClusterOptions cluster;
  DefinitionsJob job;
  // Merged into the teacher's script: latency, faults.
  nlohmann::json script = nlohmann::json::object();
};

// A job once every answer is in or it has paused or failed; with all parts' logs when none of it
// comes.
absl::StatusOr<nlohmann::json> HarvestOf(Cluster& cluster, const std::string& job_id,
                                         absl::Duration timeout);

// Not thread-safe. Without workers, so the job stays in its training phase.
class HarvestWorld {
 public:
  // Starts the parts and creates the job.
  static absl::StatusOr<std::unique_ptr<HarvestWorld>> Start(HarvestOptions options);

  Cluster& cluster() { return *cluster_; }
  const std::string& job_id() const { return job_id_; }
  size_t rows() const { return rows_; }

  // Requests the teacher has served so far.
  size_t Served() const;
  // False when that many were not served in time.
  bool WaitUntilServed(size_t requests, absl::Duration timeout) const;
  // Whether every answer is in. A gateway that is away says no.
  bool Harvested();
  // HarvestOf this job.
  absl::StatusOr<nlohmann::json> WaitForHarvest(absl::Duration timeout);

 private:
  HarvestWorld() = default;

  std::unique_ptr<Cluster> cluster_;
  std::string job_id_;
  size_t rows_ = 0;
};

}  // namespace limbeck::testing
