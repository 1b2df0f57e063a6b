// Jobs at rest: what was asked, where it stands, what happened, which rows failed. Everything a
// restarted gateway needs is here; nothing is told to anybody before it is durable here.
//
// Tables (keys are ordered parts of base/kv/engine.h):
//   jobs              id                            v1.DistillationJob, spec included
//   jobs_by_time      ~creation micros, id          empty; newest first
//   job_requests      team, request id              job id, hash of the spec as asked
//   job_events        id, cursor                    v1.JobEvent
//   job_rejections    id, dataset, row, variant     v1.Rejection
//   job_marks         id                            how far its harvest has come (harvest_mark.h)
//   job_plans         id                            v1.WorkResponse.Assignment: what to train on
//   job_reports       id                            v1.AcceptanceReport
//   gateway_meta      name                          counters
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "base/kv/engine.h"
#include "gateway/jobs/harvest_mark.h"
#include "limbeck/v1/distillation_service.pb.h"
#include "limbeck/v1/job.pb.h"
#include "limbeck/v1/report.pb.h"
#include "limbeck/v1/worker_service.pb.h"

namespace limbeck::gateway {

// One page of a list; `next_token` is empty on the last one.
template <typename T>
struct Page {
  std::vector<T> items;
  std::string next_token;
};

inline constexpr uint32_t kDefaultPageSize = 100;
inline constexpr uint32_t kMaxPageSize = 1000;

// Which row a rejection is about.
struct RejectionKey {
  std::string dataset;  // "train" or "held_out".
  uint64_t row = 0;     // From 1.
  uint32_t variant = 0;
};

// Thread-safe. One store per engine and process; its watchers hear of changes made through it.
class JobStore {
 public:
  // Tables that the engine must have been opened with.
  static std::vector<std::string> Tables();

  // `engine` and `clock` must outlive the store.
  JobStore(kv::Engine* engine, Clock* clock);

  // Grows with each call, durably: the number of this start of the gateway.
  absl::StatusOr<uint64_t> NextIncarnation();

  // Creates a QUEUED job that starts with `progress` (its ceiling is the spec's), or returns the
  // one that the same team made with the same `request_id`. ALREADY_EXISTS when that one has a
  // different spec.
  absl::StatusOr<v1::DistillationJob> Create(const std::string& team, const std::string& request_id,
                                             const v1::JobSpec& spec,
                                             const v1::Progress& progress = {});
  // The job made by an earlier Create with this request id, if any.
  absl::StatusOr<std::optional<v1::DistillationJob>> FindRequest(const std::string& team,
                                                                 const std::string& request_id);

  // NOT_FOUND names the id.
  absl::StatusOr<v1::DistillationJob> Get(const std::string& id) const;
  // Newest first. INVALID_ARGUMENT for a token this store did not give.
  absl::StatusOr<Page<v1::DistillationJob>> List(uint32_t page_size,
                                                 const std::string& page_token) const;
  // Ids of all jobs that need a runner.
  absl::StatusOr<std::vector<std::string>> ListUnfinished() const;

  // Reads, changes and writes a job in one step, with an event. `change` may run more than once
  // and may refuse by returning an error, which is then returned. Its change of state is checked
  // against the state machine; end_time is set on entering a terminal state. An empty `message` is
  // plain progress: such events replace each other, so that the log stays short.
  absl::StatusOr<v1::DistillationJob> Update(
      const std::string& id, const std::function<absl::Status(v1::DistillationJob*)>& change,
      std::string_view message = {});

  // At most `limit` events after `cursor`, oldest first.
  absl::StatusOr<std::vector<v1::JobEvent>> Events(const std::string& id, uint64_t cursor,
                                                   size_t limit) const;
  // Waits until the job has an event after `cursor`, at most `timeout`; whether it has.
  bool WaitForEvent(const std::string& id, uint64_t cursor, absl::Duration timeout);

  // Idempotent per key.
  absl::Status AddRejection(const std::string& id, const RejectionKey& key,
                            const v1::Rejection& rejection);
  // In the order of `keys`; nullopt where there is none.
  absl::StatusOr<std::vector<std::optional<v1::Rejection>>> FindRejections(
      const std::string& id, const std::vector<RejectionKey>& keys) const;
  // By dataset, row and variant.
  absl::StatusOr<Page<v1::Rejection>> ListRejections(const std::string& id, uint32_t page_size,
                                                     const std::string& page_token) const;
  // A row is counted once, however many variants of it failed.
  absl::StatusOr<uint64_t> CountRejectedRows(const std::string& id) const;

  // How far the harvest has come; nullopt before its first mark.
  absl::StatusOr<std::optional<HarvestMark>> GetMark(const std::string& id) const;
  absl::Status PutMark(const std::string& id, const HarvestMark& mark);
  // What was made of the harvest; nullopt before.
  absl::StatusOr<std::optional<v1::WorkResponse::Assignment>> GetPlan(const std::string& id) const;
  absl::Status PutPlan(const std::string& id, const v1::WorkResponse::Assignment& plan);
  absl::StatusOr<std::optional<v1::AcceptanceReport>> GetReport(const std::string& id) const;
  absl::Status PutReport(const std::string& id, const v1::AcceptanceReport& report);

 private:
  // What a request id stands for.
  struct Request {
    std::string job_id;
    std::string spec_hash;  // Of the spec as it was asked for; the job's own may change.
  };
  absl::StatusOr<std::optional<Request>> ReadRequest(const std::string& team,
                                                     const std::string& request_id) const;
  absl::StatusOr<v1::DistillationJob> SameRequest(const Request& request,
                                                  const std::string& request_id,
                                                  const std::string& spec_hash) const;
  absl::Status WriteChanged(const std::string& before, v1::DistillationJob* job,
                            std::string_view message);
  void Announce(const std::string& id, uint64_t cursor);

  kv::Engine* const engine_;
  Clock* const clock_;

  absl::Mutex mu_;
  // Newest cursor of jobs that are watched.
  std::map<std::string, uint64_t> newest_ ABSL_GUARDED_BY(mu_);
};

}  // namespace limbeck::gateway
