// Inner structs of the coordinator, shared by its two source files. All are guarded by its mutex
// unless said otherwise.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "gateway/coordination/coordinator.h"

namespace limbeck::gateway {

struct Coordinator::Member {
  // Constant.
  uint64_t session = 0;
  std::string id;
  std::shared_ptr<WorkerLink> link;
  // Changing.
  SteadyTime last_heard;
  Group* group = nullptr;  // Null while idle.
  bool lost = false;
  // A message of it waits to be dealt with: until then nothing more is read from it, heartbeats
  // included, so its silence says nothing.
  bool unread = false;
};

struct Coordinator::Group {
  uint64_t generation = 0;
  std::vector<std::shared_ptr<Member>> members;  // In order of rank; never changes.
  std::vector<bool> ended;                       // By rank.
  // Messages not dealt with; one per worker at most, since a worker's next is read afterwards.
  std::deque<std::pair<std::shared_ptr<Member>, v1::WorkRequest>> inbox;
  // Why the group cannot go on; empty while it can.
  std::string broken;
  bool stop = false;
  // Used by the training thread only.
  bool report_stored = false;
  bool trained_a_step = false;

  size_t RankOf(const Member& member) const {
    for (size_t rank = 0; rank < members.size(); ++rank) {
      if (members[rank].get() == &member) return rank;
    }
    return members.size();
  }
  bool AllGone() const {
    for (size_t rank = 0; rank < members.size(); ++rank) {
      if (!ended[rank] && !members[rank]->lost) return false;
    }
    return true;
  }
};

struct Coordinator::Waiting {
  uint32_t min_workers = 1;
  uint32_t max_workers = 1;
  bool stop = false;
};

}  // namespace limbeck::gateway
