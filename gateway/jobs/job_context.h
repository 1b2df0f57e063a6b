// What running jobs needs, borrowed from whoever hosts them.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>

#include "base/clock.h"
#include "base/http/transport.h"
#include "base/metrics/metrics.h"
#include "cache/client/cache_client.h"
#include "gateway/batches/batch_store.h"
#include "gateway/coordination/coordinator.h"
#include "gateway/dispatch/teacher_client.h"
#include "gateway/jobs/artifact_store.h"
#include "gateway/jobs/dataset_store.h"
#include "gateway/jobs/job_store.h"
#include "gateway/jobs/teacher_facts.h"
#include "gateway/teachers/teacher.h"

namespace limbeck::gateway {

// A teacher that can be asked.
struct JobTeacher {
  TeacherConfig config;
  TeacherFacts facts;
  // Borrowed.
  TeacherClient* client = nullptr;
  // Never destroyed. Needed for teachers that sell by batch.
  const Provider* provider = nullptr;
};

using JobTeachers = std::map<std::string, JobTeacher, std::less<>>;

struct HarvestOptions {
  // Queries claimed and not yet settled. Default: twice the teacher's concurrency, so that claims
  // run little ahead of sending.
  size_t max_claimed = 0;
  // Queries looked up in one call.
  size_t acquire_batch = 256;
  // Most answers that are committed in one call.
  size_t max_commit_batch = 1024;
  // Items kept track of behind the first that is not settled; no row is expanded beyond them.
  size_t max_unsettled = 1 << 18;
  // Queries that someone else is buying, kept to be asked for again.
  size_t max_waiting = 4096;
  absl::Duration claim_life = absl::Minutes(15);
  // Between tries while the cache or the store cannot be reached.
  BackoffPolicy retry = {.initial = absl::Milliseconds(200), .max = absl::Seconds(10)};
  // Free space below which nothing is bought, in the gateway's data folder.
  uint64_t min_free_bytes = 64u << 20;
  // Progress is written at most this often.
  absl::Duration progress_interval = absl::Milliseconds(500);
};

// Everything is borrowed and must outlive its users.
struct JobContext {
  JobStore* store = nullptr;
  DatasetStore* datasets = nullptr;
  ArtifactStore* artifacts = nullptr;
  cache::CacheClient* cache = nullptr;
  const JobTeachers* teachers = nullptr;
  Coordinator* coordinator = nullptr;
  // For buying by batch; null where no teacher sells so.
  http::Transport* transport = nullptr;
  BatchStore* batches = nullptr;
  Clock* clock = Clock::Real();
  // Null discards metrics.
  metrics::Registry* registry = nullptr;
  // Stable name of this gateway; names its claims.
  std::string gateway_name = "gateway";
  // Number of this start (JobStore::NextIncarnation): claims of earlier ones are known to be dead.
  uint64_t incarnation = 0;
  // When the gateway stops: how long calls on the wire are waited for.
  absl::Duration drain_for = absl::Seconds(25);
  // Team of all callers, and its sharing boundary in the cache.
  std::string team = "default";
  std::string domain = "team/default";
  // Most that the team's jobs may reserve and spend together; 0 for no limit.
  int64_t team_ceiling_micro_usd = 0;
  // The same of each calendar month (UTC); 0 for no limit.
  int64_t team_month_ceiling_micro_usd = 0;
  // The team's share of quota pools that several teams wait for.
  double team_share_weight = 1;
  // Narrows what the configuration says of a teacher to what its last probe saw. May be null.
  std::function<void(TeacherFacts*)> apply_probe;
  // host:port of the cache, for trainers.
  std::string cache_address;
  // Folder whose free space decides whether more is bought.
  std::string data_dir;
  HarvestOptions harvest;
};

// The cache account of a job, "job/ID".
inline std::string JobAccount(const std::string& id) { return "job/" + id; }

}  // namespace limbeck::gateway
