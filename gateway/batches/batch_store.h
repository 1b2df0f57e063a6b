// Batches at rest, in the gateway's engine.
//
// Table gateway_batches: (owner, id, 0) is the head, (owner, id, n) the n-th chunk of lines.
#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/kv/engine.h"
#include "gateway/batches/batch_record.h"

namespace limbeck::gateway {

// Thread-safe; every change is durable when it returns OK.
class BatchStore {
 public:
  static std::vector<std::string> Tables();

  // Borrows the engine.
  explicit BatchStore(kv::Engine* engine) : engine_(engine) {}

  // Writes the record with its lines.
  absl::Status Create(const BatchRecord& record);
  // Writes what changes of it: everything but the lines.
  absl::Status Update(const BatchRecord& record);
  // OK when it is gone already.
  absl::Status Delete(const BatchRecord& record);
  // All of an owner's, in no order. DATA_LOSS names a damaged one.
  absl::StatusOr<std::vector<BatchRecord>> List(const std::string& owner) const;

 private:
  kv::Engine* const engine_;
};

}  // namespace limbeck::gateway
