#include "gateway/limits/turns.h"

namespace limbeck::gateway {
namespace {

// Calls by which a member may be ahead of another.
constexpr double kSlack = 4;

}  // namespace

Turns::Member* Turns::Find(uint64_t member) {
  for (Member& known : members_) {
    if (known.id == member) return &known;
  }
  return nullptr;
}

void Turns::Add(uint64_t member) { members_.push_back({.id = member}); }

void Turns::Remove(uint64_t member) {
  std::erase_if(members_, [&](const Member& known) {
    if (known.id != member) return false;
    yielded_ -= known.yielded ? 1 : 0;
    return true;
  });
}

uint64_t Turns::Before(const Place& place) const {
  if (place.member == 0 || members_.size() < 2) return 0;
  const Member* first = nullptr;
  for (const Member& known : members_) {
    if (known.id == place.member || !known.waiting) continue;
    if (first == nullptr || known.start < first->start) first = &known;
  }
  if (first == nullptr || place.start <= first->start + kSlack * place.length) return 0;
  return first->id;
}

void Turns::Wait(const Place& place, bool yielded) {
  Member* member = Find(place.member);
  if (member == nullptr) return;
  member->waiting = true;
  member->start = place.start;
  if (yielded && !member->yielded) ++yielded_;
  member->yielded = member->yielded || yielded;
}

void Turns::Leave(uint64_t member) {
  if (Member* known = Find(member)) known->waiting = false;
}

std::vector<uint64_t> Turns::TakeYielded() {
  std::vector<uint64_t> ids;
  for (Member& member : members_) {
    if (member.yielded) ids.push_back(member.id);
    member.yielded = false;
  }
  yielded_ = 0;
  return ids;
}

}  // namespace limbeck::gateway
