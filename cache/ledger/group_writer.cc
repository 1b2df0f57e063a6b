#include "cache/ledger/group_writer.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"

namespace limbeck::cache {
namespace {

// Lost races with other servers after which a group asks for its turn.
constexpr int kLossesBeforeTurn = 3;

// The request may be gone when this returns.
void Finish(WriteRequest* request, const absl::Status& status) {
  const auto done = std::move(request->done);
  done(status);
}

}  // namespace

GroupWriter::GroupWriter(kv::Engine* engine, GroupWriterOptions options)
    : options_(options),
      base_(engine),
      writing_([this] { WriteLoop(); }),
      planning_([this] { PlanLoop(); }) {}

GroupWriter::~GroupWriter() {
  {
    absl::MutexLock lock(&mu_);
    stopping_ = true;
  }
  planning_.join();
  writing_.join();
}

void GroupWriter::Submit(WriteRequest* request) {
  absl::Status refused;
  {
    absl::MutexLock lock(&mu_);
    if (stopping_) {
      refused = absl::UnavailableError("the cache is stopping");
    } else if (unanswered_ >= options_.max_queued_requests) {
      ++stats_.refused;
      refused = absl::UnavailableError(absl::StrCat(
          "the cache's write queue is full (", options_.max_queued_requests, " requests wait)"));
    } else {
      ++unanswered_;
      queue_.push_back(request);
      return;
    }
  }
  Finish(request, refused);
}

absl::Status GroupWriter::Run(WriteRequest* request) {
  absl::Status status;
  absl::Notification answered;
  request->done = [&](const absl::Status& answer) {
    status = answer;
    answered.Notify();
  };
  Submit(request);
  answered.WaitForNotification();
  return status;
}

GroupWriterStats GroupWriter::stats() const {
  absl::MutexLock lock(&mu_);
  GroupWriterStats stats = stats_;
  stats.queued = unanswered_;
  return stats;
}

void GroupWriter::WriteLoop() {
  while (true) {
    WritePlan* plan = nullptr;
    {
      absl::MutexLock lock(&mu_);
      const auto ready = [this]() ABSL_SHARED_LOCKS_REQUIRED(mu_) {
        return (flight_ != nullptr && !flight_->written) || planned_all_;
      };
      mu_.Await(absl::Condition(&ready));
      if (flight_ == nullptr) return;
      plan = flight_->plan.get();
    }
    absl::Status status = plan->Write();
    absl::MutexLock lock(&mu_);
    flight_->status = std::move(status);
    flight_->written = true;
  }
}

bool GroupWriter::HasRoom() const {
  if (queue_.empty()) return false;
  if (open_ == nullptr || open_->empty()) return true;
  return open_->size() < options_.max_group_requests &&
         open_->bytes() + queue_.front()->bytes <= options_.max_group_bytes;
}

void GroupWriter::TakeRequests(Requests* taken) {
  size_t count = open_ == nullptr ? 0 : open_->size();
  size_t bytes = open_ == nullptr ? 0 : open_->bytes();
  while (!queue_.empty() && count < options_.max_group_requests &&
         (count == 0 || bytes + queue_.front()->bytes <= options_.max_group_bytes)) {
    bytes += queue_.front()->bytes;
    ++count;
    taken->push_back(queue_.front());
    queue_.pop_front();
  }
}

GroupWriter::Turn GroupWriter::NextTurn() {
  Turn turn;
  absl::MutexLock lock(&mu_);
  const auto ready = [this]() ABSL_SHARED_LOCKS_REQUIRED(mu_) {
    if (HasRoom()) return true;
    if (flight_ != nullptr) return flight_->written;
    return open_ != nullptr || stopping_;
  };
  mu_.Await(absl::Condition(&ready));
  if (flight_ != nullptr && flight_->written) turn.back = std::move(flight_);
  turn.disk_is_free = flight_ == nullptr;
  // Requests on top of a failed group would be planned for nothing.
  if (turn.back == nullptr || turn.back->status.ok()) TakeRequests(&turn.taken);
  turn.stop = turn.taken.empty() && turn.back == nullptr && open_ == nullptr;
  planned_all_ = turn.stop;
  return turn;
}

void GroupWriter::PlanLoop() {
  for (Turn turn = NextTurn(); !turn.stop; turn = NextTurn()) {
    if (turn.back != nullptr && !turn.back->status.ok()) {
      Recover(std::move(turn.back));
      continue;
    }
    if (!turn.taken.empty()) {
      if (open_ == nullptr) open_ = std::make_unique<WritePlan>(&base_);
      open_->Add(turn.taken);
    }
    // The disk comes first, answers meanwhile.
    if (turn.disk_is_free && open_ != nullptr) Launch(std::move(open_), 1);
    if (turn.back != nullptr) Answer(&turn.back->plan->entries());
  }
}

void GroupWriter::Launch(std::unique_ptr<WritePlan> plan, int attempts) {
  plan->Seal();
  auto flight = std::make_unique<Flight>();
  flight->plan = std::move(plan);
  flight->attempts = attempts;
  absl::MutexLock lock(&mu_);
  flight_ = std::move(flight);
}

void GroupWriter::Recover(std::unique_ptr<Flight> failed) {
  base_.Reset();
  const std::unique_ptr<WritePlan> stale = std::move(open_);
  const bool conflict = absl::IsAborted(failed->status);
  {
    absl::MutexLock lock(&mu_);
    if (conflict) ++stats_.conflicts;
    if (stale != nullptr) {
      for (auto it = stale->entries().rbegin(); it != stale->entries().rend(); ++it) {
        queue_.push_front(it->request);
      }
    }
  }
  std::vector<WritePlan::Entry>& entries = failed->plan->entries();
  if (conflict && failed->attempts < options_.max_attempts) {
    base_.turn().GiveWay();
    if (failed->attempts >= kLossesBeforeTurn) base_.turn().Claim();
    Requests again;
    for (const WritePlan::Entry& entry : entries) again.push_back(entry.request);
    auto plan = std::make_unique<WritePlan>(&base_);
    plan->Add(again);
    Launch(std::move(plan), failed->attempts + 1);
    return;
  }
  const absl::Status status =
      conflict ? absl::UnavailableError("other cache servers kept writing in between; try again")
               : failed->status;
  for (WritePlan::Entry& entry : entries) entry.status = status;
  Answer(&entries);
}

void GroupWriter::Answer(std::vector<WritePlan::Entry>* entries) {
  {
    absl::MutexLock lock(&mu_);
    ++stats_.groups;
    stats_.requests += entries->size();
    unanswered_ -= entries->size();
  }
  for (const WritePlan::Entry& entry : *entries) Finish(entry.request, entry.status);
}

}  // namespace limbeck::cache
