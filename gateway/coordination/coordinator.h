// Puts workers together into groups that train, and brings groups together again after a loss.
#pragma once

#include <cstdint>
#include <deque>
#include <list>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "base/clock.h"
#include "gateway/coordination/stop_signal.h"
#include "gateway/coordination/training.h"
#include "gateway/coordination/worker_link.h"
#include "limbeck/v1/worker_service.pb.h"

namespace limbeck::gateway {

// Thread-safe. Registration, heartbeats and messages come in on the streams' threads and never
// block; each training runs on the thread that called Train.
class Coordinator {
 public:
  // `clock` must outlive the coordinator.
  Coordinator(CoordinatorOptions options, Clock* clock);
  // No Train may be running any more; streams that are still open are closed.
  ~Coordinator();
  Coordinator(const Coordinator&) = delete;
  Coordinator& operator=(const Coordinator&) = delete;

  // A worker joins; it replaces an earlier stream of the same id, which counts as lost. The
  // returned session names this stream in the calls below. FAILED_PRECONDITION for another version;
  // INVALID_ARGUMENT without an id; RESOURCE_EXHAUSTED when there are too many.
  absl::StatusOr<uint64_t> Register(const v1::WorkRequest::Register& registration,
                                    std::shared_ptr<WorkerLink> link);
  // A message of a registered worker. Calls link->ReadNext() when it is dealt with.
  void Receive(uint64_t session, v1::WorkRequest message);
  // The stream ended. Idempotent.
  void Disconnected(uint64_t session);

  // Trains until the report is durable: waits in line for workers, forms a group, follows it, and
  // forms another when a member is lost. OK when observer->OnReport returned OK. CANCELLED when
  // `stop` fired: the workers have left by then. FAILED_PRECONDITION when a worker says that the
  // job cannot succeed. Other errors are the observer's.
  absl::Status Train(const TrainingTask& task, TrainingObserver* observer, StopSignal* stop);

  // Closes all streams and takes no further ones; waiting trainings end as if stopped. Idempotent.
  void Shutdown();

  // Workers registered, and those among them without an assignment.
  size_t workers() const;
  size_t idle_workers() const;
  // Looks for silent workers and sends heartbeats, as the coordinator's own thread does.
  void Tick();

 private:
  // A registered worker.
  struct Member;
  // Workers that train together, and what they said.
  struct Group;
  // A Train call that waits for workers.
  struct Waiting;

  void TickForever();
  // Takes the worker's next message, now that its last one is dealt with.
  void ReadOn(Member& member);
  void Lose(Member& member, const std::string& why) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  std::vector<std::shared_ptr<Member>> IdleMembers() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  bool IsFirstInLine(const Waiting& waiting) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  bool MayForm(const Waiting& waiting, size_t workers) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  // Null when `stop` fired.
  std::shared_ptr<Group> AwaitGroup(const TrainingTask& task, TrainingObserver* observer,
                                    StopSignal* stop);
  bool AwaitTurn(TrainingObserver* observer, Waiting* waiting);
  absl::Status StartGroup(const TrainingTask& task, TrainingObserver* observer, Group* group);
  absl::Status FollowGroup(TrainingObserver* observer, Group* group);
  absl::Status HandleMessage(TrainingObserver* observer, Member* member,
                             const v1::WorkRequest& message, Group* group);
  absl::Status HandleEnded(const v1::WorkRequest::Ended& ended, Member* member, Group* group);
  void LeaveGroup(const std::string& reason, Group* group);

  const CoordinatorOptions options_;
  Clock* const clock_;

  mutable absl::Mutex mu_;
  uint64_t next_session_ ABSL_GUARDED_BY(mu_) = 1;
  // By worker id, which is the order of ranks.
  std::map<std::string, std::shared_ptr<Member>> members_ ABSL_GUARDED_BY(mu_);
  std::map<uint64_t, std::shared_ptr<Member>> sessions_ ABSL_GUARDED_BY(mu_);
  std::list<Waiting*> line_ ABSL_GUARDED_BY(mu_);
  bool shutting_down_ ABSL_GUARDED_BY(mu_) = false;
  std::thread ticker_;
};

}  // namespace limbeck::gateway
