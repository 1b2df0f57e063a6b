// A group of workers that train one student. Free of torch in the header; built on c10d (Gloo over
// TCP, rendezvous through a TCPStore).
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace limbeck::trainer {

// Collectives: every rank calls the same ones in the same order, from one thread. All block for at
// most the group's timeout and fail with UNAVAILABLE when a peer is gone or late; the group is of
// no use afterwards. Results are the same bits on every rank.
class ProcessGroup {
 public:
  virtual ~ProcessGroup() = default;
  virtual uint32_t rank() const = 0;
  virtual uint32_t world_size() const = 0;
  // Replaces `values` by their sum over all ranks; same size everywhere.
  virtual absl::Status AllReduceSum(std::span<float> values) = 0;
  // Every rank's bytes, in order of rank; sizes may differ. One round when no message is much
  // longer than the longest before, which a training step's never are; else two.
  virtual absl::StatusOr<std::vector<std::string>> AllGather(std::string_view bytes) = 0;
  // Replaces `bytes` on every rank by `source`'s.
  virtual absl::Status Broadcast(uint32_t source, std::string* bytes) = 0;
  // The same for bytes of a size that every rank knows, in one round.
  virtual absl::Status BroadcastFixed(uint32_t source, std::span<char> bytes) = 0;
  virtual absl::Status Barrier() = 0;
  // Rounds of messages with peers so far; each costs at least a network's latency.
  virtual uint64_t rounds() const = 0;
};

// The store at which a group meets; served by rank 0 until it is destroyed.
class RendezvousStore {
 public:
  virtual ~RendezvousStore() = default;
  // host:port that other ranks reach.
  virtual const std::string& address() const = 0;

  // Serves a store on a free port of this machine; `host` is the name that others reach it by.
  static absl::StatusOr<std::unique_ptr<RendezvousStore>> Serve(const std::string& host,
                                                                absl::Duration timeout);
};

struct GroupOptions {
  uint32_t rank = 0;
  uint32_t world_size = 1;
  // Address or name of this machine that other ranks reach; connections are bound to it.
  std::string host = "127.0.0.1";
  // host:port of rank 0's store; not used by rank 0 itself.
  std::string store_address;
  // For joining and for every collective; at least a second.
  absl::Duration timeout = absl::Seconds(60);
};

// Joins; blocks until all ranks have. `store` is rank 0's own, null on other ranks; it must outlive
// the group. A group of one needs neither store nor network.
absl::StatusOr<std::unique_ptr<ProcessGroup>> JoinGroup(const GroupOptions& options,
                                                        RendezvousStore* store);

}  // namespace limbeck::trainer
