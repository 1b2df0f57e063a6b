// Fairness between cache servers that write to one engine. Every write expects the counters row it
// was planned on, so a server whose plan takes longer than another's pause between writes would
// lose every time. A loser puts a turn row; whoever finds it holds its own writes back until the
// loser's next write, which removes it. Nothing rests on it but fairness: a server that dies with
// its turn is waited for once, shortly.
#pragma once

#include <optional>
#include <string>

#include "absl/time/time.h"
#include "base/kv/engine.h"

namespace limbeck::cache {

// One server's side. Not thread-safe.
class WriteTurn {
 public:
  // How long another server's turn is waited for before its row is removed as left behind.
  static constexpr absl::Duration kLongestWait = absl::Milliseconds(200);
  static constexpr absl::Duration kPollInterval = absl::Milliseconds(1);

  // Borrows `engine`.
  explicit WriteTurn(kv::Engine* engine);

  // Asks the others to hold back, replacing the turn of another that asked before. An engine that
  // cannot be written to leaves things as they are.
  void Claim();
  // Blocks while another server has the turn, up to kLongestWait.
  void GiveWay();

  // What the next write expects the turn row to be, and removes; nullopt: absent.
  const std::optional<std::string>& expected() const { return expected_; }
  // A write that removes the row was planned.
  void Planned() { expected_.reset(); }

 private:
  kv::Engine* const engine_;
  const std::string own_;
  std::optional<std::string> expected_;
};

// Makes `batch` part of a turn: it expects what WriteTurn::expected said, and removes it.
void AddTurn(const std::optional<std::string>& expected, kv::WriteBatch* batch);

}  // namespace limbeck::cache
