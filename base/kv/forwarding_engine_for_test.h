// An engine that passes everything on, for tests that put themselves between one and its users.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/kv/engine.h"

namespace limbeck::kv {

// Override what is to be watched or to fail. As thread-safe as the engine.
class ForwardingEngine : public Engine {
 public:
  // Borrows the engine.
  explicit ForwardingEngine(Engine* engine) : engine_(engine) {}

  absl::StatusOr<std::optional<std::string>> Get(std::string_view table,
                                                 std::string_view key) const override {
    return engine_->Get(table, key);
  }
  absl::StatusOr<std::vector<std::optional<std::string>>> MultiGet(
      std::string_view table, const std::vector<std::string>& keys) const override {
    return engine_->MultiGet(table, keys);
  }
  absl::StatusOr<std::unique_ptr<Iterator>> Scan(std::string_view table, std::string_view begin,
                                                 std::string_view end) const override {
    return engine_->Scan(table, begin, end);
  }
  absl::StatusOr<std::unique_ptr<Snapshot>> NewSnapshot() const override {
    return engine_->NewSnapshot();
  }
  absl::Status Write(const WriteBatch& batch) override { return engine_->Write(batch); }

  Engine* inner() const { return engine_; }

 private:
  Engine* const engine_;
};

}  // namespace limbeck::kv
