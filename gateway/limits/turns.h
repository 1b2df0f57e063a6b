// Whose turn it is when several teachers ask one pool.
#pragma once

#include <cstdint>
#include <vector>

namespace limbeck::gateway {

// The place of a call in the pool's order; see fair_queue.h for its numbers.
struct Place {
  // From QuotaPool::Join; 0 is in no order and neither waits for others nor makes them wait.
  uint64_t member = 0;
  double start = 0;
  double length = 0;
};

// Members whose call was refused keep their place here, so that another member's later call cannot
// always overtake it. Not thread-safe.
class Turns {
 public:
  void Add(uint64_t member);
  void Remove(uint64_t member);

  // The member that has to go first, or 0. A member may be ahead by a few calls, since handing the
  // turn over costs a change of threads.
  uint64_t Before(const Place& place) const;
  // `place` was refused and keeps its place; `yielded`: only because another goes first.
  void Wait(const Place& place, bool yielded);
  // The member has nothing waiting any more, or its call was admitted.
  void Leave(uint64_t member);
  // Members that yielded, each named once.
  std::vector<uint64_t> TakeYielded();
  bool any_yielded() const { return yielded_ > 0; }

 private:
  struct Member {
    uint64_t id = 0;
    bool waiting = false;
    bool yielded = false;
    double start = 0;
  };

  Member* Find(uint64_t member);

  // A handful: the teachers of one account.
  std::vector<Member> members_;
  uint32_t yielded_ = 0;
};

}  // namespace limbeck::gateway
