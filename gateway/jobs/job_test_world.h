// Everything around jobs for tests, real but for the teacher (a local server) and the workers (one
// that finishes at once): stores on disk, a cache on a loopback port, the job manager.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.h"
#include "base/kv/engine.h"
#include "cache/service/cache_test_server.h"
#include "gateway/jobs/job_manager.h"
#include "gateway/jobs/scoring_provider_for_test.h"
#include "gateway/jobs/several_answers_provider_for_test.h"
#include "tests/support/fake_teacher/fake_teacher.h"

namespace limbeck::gateway {

struct JobWorldOptions {
  // Of the teacher's provider, and whose shapes the local server speaks.
  std::string kind = "openai";
  // testing::ParseScript.
  std::string script = "{}";
  int64_t input_price = 0;  // Micro-USD per million tokens.
  int64_t output_price = 0;
  uint32_t max_concurrent = 8;
  bool top_logprobs = true;
  bool trainable = true;
  uint32_t max_tries = 5;
  // Of a provider that scores texts it is handed; else OpenAI's.
  bool scores_continuations = false;
  // When the gateway stops.
  absl::Duration drain_for = absl::Seconds(25);
  // Sells by batch too, with these limits.
  std::optional<BatchLimits> batch = {};
  // Asked for in one call.
  uint32_t answers_per_call = 1;
  // Whether the provider gives as many as it is asked for; else one.
  bool gives_several_answers = false;
};

class JobWorld {
 public:
  explicit JobWorld(JobWorldOptions options = {});
  ~JobWorld();

  // The gateway's life. Data, cache and teacher stay.
  void StartGateway();
  void StopGateway();

  // `rows` rows "gloss N good" or "gloss N bad" with their label, and `extra` lines after them.
  // Returns the dataset's id.
  std::string Upload(int rows, const std::vector<std::string>& extra = {});
  v1::JobSpec Spec(const std::string& dataset_id) const;
  absl::StatusOr<v1::DistillationJob> Create(const v1::JobSpec& spec,
                                             const std::string& request_id = "r1");
  // Waits until the job is in a state that `wanted` likes; fails the test after a minute.
  v1::DistillationJob Await(const std::string& id,
                            const std::function<bool(const v1::DistillationJob&)>& wanted);
  v1::DistillationJob AwaitState(const std::string& id, v1::JobState state);
  // Waits until no job has a thread: what was under way is settled then.
  void AwaitNoThreads();
  // A worker that trains whatever it is given.
  void AddWorker();
  // The items of a snapshot of the job's plan, as trainers read them, in row order.
  std::vector<cache::StreamItem> ReadSnapshot(const std::string& snapshot_id);
  cache::AccountState Spend(const std::string& job_id);

  testing::FakeTeacher& teacher() { return *teacher_; }
  JobStore& store() { return *store_; }
  BatchStore& batches() { return *batches_; }
  ArtifactStore& artifacts() { return *artifacts_; }
  JobManager& manager() { return *manager_; }
  cache::CacheTestServer& cache() { return cache_; }
  cache::CacheClient& cache_client() { return *client_; }
  HarvestOptions& harvest_options() { return harvest_; }

 private:
  class Worker;

  const JobWorldOptions options_;
  const ScoringProviderForTest scoring_;
  const SeveralAnswersProviderForTest several_;
  ScopedTempDirectory directory_;
  cache::CacheTestServer cache_;
  std::unique_ptr<testing::FakeTeacher> teacher_;
  HarvestOptions harvest_;

  std::unique_ptr<cache::CacheClient> client_;
  std::unique_ptr<http::Transport> transport_;
  std::unique_ptr<QuotaPool> pool_;
  std::unique_ptr<TeacherClient> asker_;
  JobTeachers teachers_;
  std::unique_ptr<kv::Engine> engine_;
  std::unique_ptr<JobStore> store_;
  std::unique_ptr<BatchStore> batches_;
  std::unique_ptr<DatasetStore> datasets_;
  std::unique_ptr<ArtifactStore> artifacts_;
  std::vector<std::shared_ptr<Worker>> workers_;
  std::unique_ptr<Coordinator> coordinator_;
  std::unique_ptr<JobManager> manager_;
};

}  // namespace limbeck::gateway
