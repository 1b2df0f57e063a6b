// What end-to-end tests do with a job, all of it through the command line.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "nlohmann/json.hpp"
#include "tests/support/cluster.h"

namespace limbeck::testing {

// Creates a job from a job file; its id.
absl::StatusOr<std::string> CreateJob(Cluster& cluster, const std::filesystem::path& job_file);

// `limbeck … --json`, parsed. INTERNAL with all that was printed when the exit status is not 0.
absl::StatusOr<nlohmann::json> LimbeckJson(Cluster& cluster, std::vector<std::string> arguments);

// The job as `jobs get` shows it.
absl::StatusOr<nlohmann::json> GetJob(Cluster& cluster, const std::string& id);

// Waits with `jobs wait --exit-status`; that status.
absl::StatusOr<int> WaitForJob(Cluster& cluster, const std::string& id, absl::Duration timeout);

// Waits until the job's state is one of `states`; the job.
absl::StatusOr<nlohmann::json> WaitForState(Cluster& cluster, const std::string& id,
                                            const std::vector<std::string>& states,
                                            absl::Duration timeout);

// A count of protobuf's JSON mapping, where 64-bit integers are strings and zeros may be absent.
int64_t Count(const nlohmann::json& message, const char* field);

// Whole calls that the teacher's invoice shows beyond one for each distinct key.
size_t Excess(const std::vector<InvoiceLine>& invoice);

}  // namespace limbeck::testing
