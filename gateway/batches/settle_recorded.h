// After a restart: what earlier processes handed over is settled before anything more is bought.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "gateway/batches/batch_caller.h"
#include "gateway/batches/batch_run.h"
#include "gateway/batches/batch_tools.h"

namespace limbeck::gateway {

// Waits until every batch recorded for `owner` is settled through `deliver`; with `cancel` the
// provider is asked to end them first. Gives why it cannot go on before the operator acts, if so;
// CANCELLED once the caller was stopped. `on_waiting` hears how many are left, now and then.
absl::StatusOr<std::optional<Failure>> SettleRecorded(
    const BatchTools& tools, BatchCaller* caller, const std::string& owner, bool cancel,
    const DeliverResults& deliver, const std::function<void(size_t left)>& on_waiting);

}  // namespace limbeck::gateway
