// A key-value engine between a shared quota and its engine, for tests.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/kv/engine.h"

namespace limbeck::gateway {

// Passes everything on until told to fail; counts reads of single keys. Thread-safe.
class SwitchedEngine : public kv::Engine {
 public:
  // Borrows the engine.
  explicit SwitchedEngine(kv::Engine* engine) : engine_(engine) {}

  enum class Mode { kWorks, kAway, kLosesAcknowledgements };
  std::atomic<Mode> mode{Mode::kWorks};
  mutable std::atomic<uint64_t> reads{0};

  absl::StatusOr<std::optional<std::string>> Get(std::string_view table,
                                                 std::string_view key) const override {
    ++reads;
    if (mode == Mode::kAway) return absl::UnavailableError("away");
    return engine_->Get(table, key);
  }
  absl::StatusOr<std::vector<std::optional<std::string>>> MultiGet(
      std::string_view table, const std::vector<std::string>& keys) const override {
    return engine_->MultiGet(table, keys);
  }
  absl::StatusOr<std::unique_ptr<kv::Iterator>> Scan(std::string_view table, std::string_view begin,
                                                     std::string_view end) const override {
    return engine_->Scan(table, begin, end);
  }
  absl::Status Write(const kv::WriteBatch& batch) override {
    if (mode == Mode::kAway) return absl::UnavailableError("away");
    const absl::Status status = engine_->Write(batch);
    if (mode == Mode::kLosesAcknowledgements) return absl::UnavailableError("answer lost");
    return status;
  }
  absl::StatusOr<std::unique_ptr<kv::Snapshot>> NewSnapshot() const override {
    return engine_->NewSnapshot();
  }

 private:
  kv::Engine* const engine_;
};

}  // namespace limbeck::gateway
