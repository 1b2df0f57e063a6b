#include "gateway/coordination/coordinator.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "base/log.h"
#include "gateway/coordination/group.h"

namespace limbeck::gateway {
namespace {

uint64_t GenerationOf(const v1::WorkRequest& message) {
  switch (message.message_case()) {
    case v1::WorkRequest::kRendezvousReady:
      return message.rendezvous_ready().generation();
    case v1::WorkRequest::kProgress:
      return message.progress().generation();
    case v1::WorkRequest::kEnded:
      return message.ended().generation();
    case v1::WorkRequest::kArtifact:
      return message.artifact().generation();
    case v1::WorkRequest::kReport:
      return message.report().generation();
    default:
      return 0;
  }
}

}  // namespace

Coordinator::Coordinator(CoordinatorOptions options, Clock* clock)
    : options_(std::move(options)), clock_(clock), ticker_([this] { TickForever(); }) {}

Coordinator::~Coordinator() {
  Shutdown();
  ticker_.join();
}

void Coordinator::Shutdown() {
  absl::MutexLock lock(&mu_);
  shutting_down_ = true;
  while (!sessions_.empty()) {
    Lose(*std::shared_ptr<Member>(sessions_.begin()->second), "the gateway shuts down");
  }
}

void Coordinator::TickForever() {
  while (true) {
    {
      absl::MutexLock lock(&mu_);
      if (mu_.AwaitWithTimeout(absl::Condition(&shutting_down_), options_.heartbeat)) return;
    }
    Tick();
  }
}

void Coordinator::Tick() {
  v1::WorkResponse heartbeat;
  heartbeat.mutable_heartbeat();
  absl::MutexLock lock(&mu_);
  const SteadyTime now = clock_->Now();
  std::vector<std::shared_ptr<Member>> silent;
  for (const auto& [session, member] : sessions_) {
    if (!member->unread &&
        now - member->last_heard > options_.heartbeat * options_.missed_heartbeats) {
      silent.push_back(member);
    } else {
      member->link->Send(heartbeat);
    }
  }
  for (const auto& member : silent) {
    Lose(*member, absl::StrCat("it missed ", options_.missed_heartbeats, " heartbeats"));
  }
}

absl::StatusOr<uint64_t> Coordinator::Register(const v1::WorkRequest::Register& registration,
                                               std::shared_ptr<WorkerLink> link) {
  if (registration.worker_id().empty()) {
    return absl::InvalidArgumentError("a worker registers without worker_id");
  }
  if (registration.version() != options_.version) {
    return absl::FailedPreconditionError(
        absl::StrCat("worker ", registration.worker_id(), " is version ", registration.version(),
                     ", the gateway ", options_.version, "; run the same version on both"));
  }
  absl::MutexLock lock(&mu_);
  if (shutting_down_) return absl::UnavailableError("the gateway shuts down");
  const auto earlier = members_.find(registration.worker_id());
  if (earlier != members_.end()) {
    Lose(*std::shared_ptr<Member>(earlier->second), "it registered again");
  }
  if (members_.size() >= options_.max_workers) {
    return absl::ResourceExhaustedError(
        absl::StrCat("there are already ", members_.size(), " workers, the configured maximum"));
  }
  auto member = std::make_shared<Member>();
  member->session = next_session_++;
  member->id = registration.worker_id();
  member->link = std::move(link);
  member->last_heard = clock_->Now();
  v1::WorkResponse registered;
  registered.mutable_registered()->set_heartbeat_ms(
      static_cast<uint32_t>(absl::ToInt64Milliseconds(options_.heartbeat)));
  registered.mutable_registered()->set_coordinator(options_.name);
  member->link->Send(registered);
  sessions_[member->session] = member;
  members_[member->id] = member;
  LIMBECK_LOG(INFO) << "worker registered" << LogField("worker", member->id);
  return member->session;
}

void Coordinator::Receive(uint64_t session, v1::WorkRequest message) {
  std::shared_ptr<WorkerLink> link;
  {
    absl::MutexLock lock(&mu_);
    const auto it = sessions_.find(session);
    if (it == sessions_.end()) return;
    const std::shared_ptr<Member>& member = it->second;
    member->last_heard = clock_->Now();
    const uint64_t generation = GenerationOf(message);
    if (generation != 0 && member->group != nullptr && member->group->generation == generation) {
      member->unread = true;
      member->group->inbox.emplace_back(member, std::move(message));
      return;
    }
    link = member->link;
  }
  // A heartbeat, or a late word about a group that is no more.
  link->ReadNext();
}

void Coordinator::Disconnected(uint64_t session) {
  absl::MutexLock lock(&mu_);
  const auto it = sessions_.find(session);
  if (it == sessions_.end()) return;
  Lose(*std::shared_ptr<Member>(it->second), "its stream ended");
}

void Coordinator::Lose(Member& member, const std::string& why) {
  member.lost = true;
  if (member.group != nullptr) {
    Group& group = *member.group;
    if (!group.ended[group.RankOf(member)] && group.broken.empty()) {
      group.broken = absl::StrCat("worker ", member.id, " was lost: ", why);
    }
  }
  const std::shared_ptr<WorkerLink> link = member.link;
  const std::string id = member.id;
  const uint64_t session = member.session;
  const auto it = members_.find(id);
  if (it != members_.end() && it->second->session == session) members_.erase(it);
  sessions_.erase(session);
  link->Close(absl::UnavailableError(why));
  LIMBECK_LOG(WARNING) << "worker lost" << LogField("worker", id) << LogField("why", why);
}

void Coordinator::ReadOn(Member& member) {
  {
    absl::MutexLock lock(&mu_);
    member.unread = false;
    member.last_heard = clock_->Now();
  }
  member.link->ReadNext();
}

std::vector<std::shared_ptr<Coordinator::Member>> Coordinator::IdleMembers() const {
  std::vector<std::shared_ptr<Member>> idle;
  for (const auto& [id, member] : members_) {
    if (member->group == nullptr) idle.push_back(member);
  }
  return idle;
}

size_t Coordinator::workers() const {
  absl::MutexLock lock(&mu_);
  return members_.size();
}

size_t Coordinator::idle_workers() const {
  absl::MutexLock lock(&mu_);
  return IdleMembers().size();
}

}  // namespace limbeck::gateway
