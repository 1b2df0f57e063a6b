// A queue in which every job gets its share, whatever the others have waiting.
//
// Start-time fair queueing (Goyal, Vin, Cheng 1996): each job ("flow") has a virtual start time,
// the one with the earliest goes first, and going costs it tokens / weight. A flow that was idle
// starts at the present, so it neither saves up nor owes for its idling, and others use what it
// leaves. A team's weight is divided among those of its jobs that have calls waiting.
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "gateway/limits/fair_clock.h"

namespace limbeck::gateway {

// To whom a call belongs. Weights are relative; others than 0.001 … 1,000 are cut to that.
struct Share {
  std::string team;
  std::string job;
  double team_weight = 1;
  double job_weight = 1;
};

// Not thread-safe; the clock is.
template <typename T>
class FairQueue {
 public:
  // `clock` is borrowed and must outlive the queue and its flows.
  explicit FairQueue(FairClock* clock) : clock_(clock) {}
  ~FairQueue() { Clear(); }
  FairQueue(const FairQueue&) = delete;
  FairQueue& operator=(const FairQueue&) = delete;

  struct Flow;
  using FlowPtr = std::shared_ptr<Flow>;

  // The flow of a share; whoever holds it may push to it. New weights replace the old ones.
  FlowPtr FlowOf(const Share& share) {
    const auto found = flows_.find(std::pair(std::string_view(share.team), ViewOf(share.job)));
    if (found != flows_.end()) {
      SetWeights(share, found->second.get());
      return found->second;
    }
    if (flows_.size() >= sweep_at_) Sweep();
    auto flow = std::make_shared<Flow>();
    flow->team = clock_->TeamOf(share.team);
    flow->number = ++last_number_;
    SetWeights(share, flow.get());
    flows_.emplace(std::pair(share.team, share.job), flow);
    return flow;
  }

  // `cost`: what the item counts, at least 1; for example its tokens.
  void Push(const FlowPtr& flow, T item, double cost) {
    flow->items.emplace_back(std::move(item), std::max(1.0, cost));
    Activate(flow.get());
  }
  // Before what the flow has waiting already.
  void PushFront(const FlowPtr& flow, T item, double cost) {
    flow->items.emplace_front(std::move(item), std::max(1.0, cost));
    Activate(flow.get());
  }

  bool empty() const { return active_.empty(); }
  // REQUIRES: !empty(), as for all below. The item whose turn it is.
  const T& front() const { return First()->items.front().first; }
  // Its virtual start, and how far its flow moves on with it.
  double start() const { return First()->start; }
  double length() const {
    const Flow* flow = First();
    const auto active = static_cast<double>(std::max<int64_t>(flow->job_weight, ActiveOf(*flow)));
    const double weight = flow->team_weight * static_cast<double>(flow->job_weight) / active;
    return flow->items.front().second / weight;
  }
  // Takes the front item and charges its flow.
  void Pop() { Remove(length()); }
  // Takes the front item without charging.
  void Drop() { Remove(0); }

  struct Flow {
    FairClock::Team* team = nullptr;
    uint64_t number = 0;  // Decides between equal starts.
    int64_t job_weight = 1000;
    double team_weight = 1;
    double start = 0;  // Of the front item; once there is none, where the last one ended.
    std::deque<std::pair<T, double>> items;
    bool active = false;
  };

 private:
  static constexpr size_t kFirstSweep = 64;

  struct Less {
    using is_transparent = void;
    template <typename A, typename B>
    bool operator()(const A& a, const B& b) const {
      const int team = ViewOf(a.first).compare(ViewOf(b.first));
      return team != 0 ? team < 0 : ViewOf(a.second) < ViewOf(b.second);
    }
  };
  static std::string_view ViewOf(std::string_view text) { return text; }

  static int64_t ActiveOf(const Flow& flow) {
    return flow.team->active.load(std::memory_order_relaxed);
  }

  void SetWeights(const Share& share, Flow* flow) {
    const auto weight = static_cast<int64_t>(1000 * std::clamp(share.job_weight, 0.001, 1000.0));
    if (flow->active) flow->team->active += weight - flow->job_weight;
    flow->job_weight = weight;
    flow->team_weight = std::clamp(share.team_weight, 0.001, 1000.0);
  }

  Flow* First() const { return active_.begin()->second; }

  void Activate(Flow* flow) {
    if (flow->active) return;
    flow->active = true;
    flow->team->active += flow->job_weight;
    flow->start = std::max(flow->start, clock_->now());
    active_.emplace(std::pair(flow->start, flow->number), flow);
  }

  void Remove(double length) {
    Flow* flow = First();
    auto node = active_.extract(active_.begin());
    flow->items.pop_front();
    if (length > 0) clock_->AdvanceTo(flow->start);
    flow->start += length;
    if (flow->items.empty()) {
      flow->active = false;
      flow->team->active -= flow->job_weight;
      return;
    }
    node.key().first = flow->start;
    active_.insert(std::move(node));
  }

  // Forgets flows that are idle and owe nothing.
  void Sweep() {
    std::erase_if(flows_, [&](const auto& entry) {
      const FlowPtr& flow = entry.second;
      return !flow->active && flow.use_count() == 1 && flow->start <= clock_->now();
    });
    sweep_at_ = std::max(kFirstSweep, 2 * flows_.size());
  }

  void Clear() {
    while (!empty()) Drop();
  }

  FairClock* const clock_;
  std::map<std::pair<std::string, std::string>, FlowPtr, Less> flows_;
  std::map<std::pair<double, uint64_t>, Flow*> active_;
  uint64_t last_number_ = 0;
  size_t sweep_at_ = kFirstSweep;
};

}  // namespace limbeck::gateway
