// The training half of Coordinator: the line for workers, and the life of a group.
#include <algorithm>
#include <utility>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/status.h"
#include "gateway/coordination/coordinator.h"
#include "gateway/coordination/group.h"

namespace limbeck::gateway {
namespace {

// How often a job that waits for workers says so.
constexpr absl::Duration kWaitingReport = absl::Seconds(10);

}  // namespace

bool Coordinator::IsFirstInLine(const Waiting& waiting) const {
  for (const Waiting* other : line_) {
    if (other == &waiting) return true;
    // A job that needs more workers than there are does not hold up the others.
    if (other->min_workers <= members_.size()) return false;
  }
  return false;
}

bool Coordinator::MayForm(const Waiting& waiting, size_t workers) const {
  return waiting.stop || shutting_down_ ||
         (IsFirstInLine(waiting) && IdleMembers().size() >= workers);
}

bool Coordinator::AwaitTurn(TrainingObserver* observer, Waiting* waiting) {
  const auto enough = [this, waiting]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    return MayForm(*waiting, waiting->min_workers);
  };
  const auto plenty = [this, waiting]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    return MayForm(*waiting, waiting->max_workers);
  };
  absl::Duration patience = absl::ZeroDuration();
  mu_.Lock();
  while (!mu_.AwaitWithTimeout(absl::Condition(&enough), patience)) {
    patience = kWaitingReport;
    const auto idle = static_cast<uint32_t>(IdleMembers().size());
    mu_.Unlock();
    observer->OnWaiting(idle, waiting->min_workers);
    mu_.Lock();
  }
  mu_.AwaitWithTimeout(absl::Condition(&plenty), options_.group_linger);
  // A worker may have gone while others were waited for.
  const bool may = MayForm(*waiting, waiting->min_workers);
  mu_.Unlock();
  return may;
}

std::shared_ptr<Coordinator::Group> Coordinator::AwaitGroup(const TrainingTask& task,
                                                            TrainingObserver* observer,
                                                            StopSignal* stop) {
  Waiting waiting;
  waiting.min_workers = std::max<uint32_t>(1, task.min_workers);
  waiting.max_workers = std::max(waiting.min_workers, task.max_workers);
  {
    absl::MutexLock lock(&mu_);
    line_.push_back(&waiting);
  }
  const int listener = stop->AddListener([this, &waiting] {
    absl::MutexLock lock(&mu_);
    waiting.stop = true;
  });
  const absl::Cleanup leave = [&] {
    stop->RemoveListener(listener);
    absl::MutexLock lock(&mu_);
    line_.remove(&waiting);
  };
  while (true) {
    if (stop->fired()) return nullptr;
    if (!AwaitTurn(observer, &waiting)) continue;
    absl::MutexLock lock(&mu_);
    if (waiting.stop || shutting_down_) return nullptr;
    std::vector<std::shared_ptr<Member>> idle = IdleMembers();
    if (idle.size() < waiting.min_workers || !IsFirstInLine(waiting)) continue;
    if (idle.size() > waiting.max_workers) idle.resize(waiting.max_workers);
    auto group = std::make_shared<Group>();
    group->members = std::move(idle);
    group->ended.resize(group->members.size(), false);
    for (const auto& member : group->members) member->group = group.get();
    return group;
  }
}

absl::Status Coordinator::StartGroup(const TrainingTask& task, TrainingObserver* observer,
                                     Group* group) {
  LIMBECK_ASSIGN_OR_RETURN(const uint64_t generation, observer->NextGeneration());
  const auto workers = static_cast<uint32_t>(group->members.size());
  {
    absl::MutexLock lock(&mu_);
    group->generation = generation;
  }
  observer->OnGroupFormed(generation, workers);
  v1::WorkResponse message;
  *message.mutable_assignment() = task.assignment;
  v1::WorkResponse::Assignment* assignment = message.mutable_assignment();
  assignment->set_job_id(task.job_id);
  assignment->set_generation(generation);
  assignment->set_world_size(workers);
  assignment->set_collective_timeout_seconds(
      static_cast<uint32_t>(absl::ToInt64Seconds(options_.collective_timeout)));
  for (uint32_t rank = 0; rank < workers; ++rank) {
    assignment->set_rank(rank);
    group->members[rank]->link->Send(message);
  }
  return absl::OkStatus();
}

absl::Status Coordinator::HandleEnded(const v1::WorkRequest::Ended& ended, Member* member,
                                      Group* group) {
  absl::MutexLock lock(&mu_);
  group->ended[group->RankOf(*member)] = true;
  if (ended.outcome() == v1::WorkRequest::Ended::OUTCOME_FAILED) {
    return absl::FailedPreconditionError(
        absl::StrCat("worker ", member->id, " cannot train this job: ", ended.message()));
  }
  if (ended.outcome() != v1::WorkRequest::Ended::OUTCOME_DONE && group->broken.empty()) {
    group->broken = absl::StrCat("worker ", member->id, " left: ", ended.message());
  }
  return absl::OkStatus();
}

absl::Status Coordinator::HandleMessage(TrainingObserver* observer, Member* member,
                                        const v1::WorkRequest& message, Group* group) {
  const bool first_rank = group->RankOf(*member) == 0;
  if (message.has_ended()) return HandleEnded(message.ended(), member, group);
  // The rest is rank 0's to say.
  if (!first_rank) return absl::OkStatus();
  if (message.has_rendezvous_ready()) {
    v1::WorkResponse relayed;
    relayed.mutable_rendezvous()->set_generation(group->generation);
    relayed.mutable_rendezvous()->set_address(message.rendezvous_ready().address());
    for (const auto& other : group->members) other->link->Send(relayed);
  } else if (message.has_progress()) {
    if (message.progress().step() > 0) group->trained_a_step = true;
    observer->OnProgress(message.progress(), static_cast<uint32_t>(group->members.size()));
  } else if (message.has_artifact()) {
    return observer->OnArtifact(group->generation, message.artifact().chunk());
  } else if (message.has_report()) {
    LIMBECK_RETURN_IF_ERROR(observer->OnReport(group->generation, message.report().report()));
    group->report_stored = true;
    v1::WorkResponse stored;
    stored.mutable_report_stored()->set_generation(group->generation);
    for (const auto& other : group->members) other->link->Send(stored);
  }
  return absl::OkStatus();
}

absl::Status Coordinator::FollowGroup(TrainingObserver* observer, Group* group) {
  const auto has_news = [group] {
    return group->stop || !group->broken.empty() || !group->inbox.empty() || group->AllGone();
  };
  while (!group->report_stored) {
    std::pair<std::shared_ptr<Member>, v1::WorkRequest> next;
    {
      absl::MutexLock lock(&mu_);
      mu_.Await(absl::Condition(&has_news));
      if (group->stop) return absl::CancelledError("stopped");
      // What was said before a loss counts: a report may be among it.
      if (group->inbox.empty()) {
        if (!group->broken.empty()) return absl::UnavailableError(group->broken);
        return absl::UnavailableError("every worker left without a report");
      }
      next = std::move(group->inbox.front());
      group->inbox.pop_front();
    }
    const absl::Status handled = HandleMessage(observer, next.first.get(), next.second, group);
    ReadOn(*next.first);
    LIMBECK_RETURN_IF_ERROR(handled);
  }
  return absl::OkStatus();
}

void Coordinator::LeaveGroup(const std::string& reason, Group* group) {
  v1::WorkResponse stop;
  stop.mutable_stop()->set_generation(group->generation);
  stop.mutable_stop()->set_reason(reason);
  std::vector<std::shared_ptr<WorkerLink>> told;
  const auto has_news = [group] { return !group->inbox.empty() || group->AllGone(); };
  const absl::Time deadline = absl::Now() + options_.stop_timeout;
  mu_.Lock();
  if (!group->report_stored) {
    for (size_t rank = 0; rank < group->members.size(); ++rank) {
      if (!group->ended[rank]) group->members[rank]->link->Send(stop);
    }
  }
  while (!group->AllGone() && mu_.AwaitWithDeadline(absl::Condition(&has_news), deadline)) {
    if (group->inbox.empty()) continue;
    auto [member, message] = std::move(group->inbox.front());
    group->inbox.pop_front();
    if (message.has_ended()) group->ended[group->RankOf(*member)] = true;
    mu_.Unlock();
    ReadOn(*member);
    mu_.Lock();
  }
  for (size_t rank = 0; rank < group->members.size(); ++rank) {
    Member& member = *group->members[rank];
    if (!group->ended[rank] && !member.lost) Lose(member, "it did not leave its group in time");
    member.group = nullptr;
  }
  mu_.Unlock();
  for (auto& [member, message] : group->inbox) ReadOn(*member);
}

absl::Status Coordinator::Train(const TrainingTask& task, TrainingObserver* observer,
                                StopSignal* stop) {
  Backoff backoff(options_.reform_backoff, StableRandom(Xxh3(task.job_id), 0));
  int barren = 0;
  while (true) {
    const std::shared_ptr<Group> group = AwaitGroup(task, observer, stop);
    if (group == nullptr) return absl::CancelledError("stopped while waiting for workers");
    const int listener = stop->AddListener([this, &group] {
      absl::MutexLock lock(&mu_);
      group->stop = true;
    });
    absl::Status status = StartGroup(task, observer, group.get());
    if (status.ok() && stop->fired()) status = absl::CancelledError("stopped");
    if (status.ok()) status = FollowGroup(observer, group.get());
    stop->RemoveListener(listener);
    LeaveGroup(status.ok() ? "done" : std::string(ToStd(status.message())), group.get());
    if (!absl::IsUnavailable(status)) return status;

    observer->OnGroupLost(group->generation, std::string(ToStd(status.message())));
    if (group->trained_a_step) {
      barren = 0;
      backoff.Reset();
    } else if (++barren >= options_.max_barren_groups) {
      return absl::FailedPreconditionError(
          absl::StrCat("training groups broke ", barren,
                       " times in a row before the first step; the last time: ",
                       absl::string_view(status.message())));
    }
    stop->WaitFor(backoff.Next());
  }
}

}  // namespace limbeck::gateway
