// A key-value engine between a shared quota and its engine, for tests.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/kv/forwarding_engine_for_test.h"

namespace limbeck::gateway {

// Passes everything on until told to fail; counts reads of single keys. Thread-safe.
class SwitchedEngine : public kv::ForwardingEngine {
 public:
  // Borrows the engine.
  explicit SwitchedEngine(kv::Engine* engine) : ForwardingEngine(engine) {}

  enum class Mode { kWorks, kAway, kLosesAcknowledgements };
  std::atomic<Mode> mode{Mode::kWorks};
  mutable std::atomic<uint64_t> reads{0};

  absl::StatusOr<std::optional<std::string>> Get(std::string_view table,
                                                 std::string_view key) const override {
    ++reads;
    if (mode == Mode::kAway) return absl::UnavailableError("away");
    return ForwardingEngine::Get(table, key);
  }
  absl::Status Write(const kv::WriteBatch& batch) override {
    if (mode == Mode::kAway) return absl::UnavailableError("away");
    const absl::Status status = ForwardingEngine::Write(batch);
    if (mode == Mode::kLosesAcknowledgements) return absl::UnavailableError("answer lost");
    return status;
  }
};

}  // namespace limbeck::gateway
