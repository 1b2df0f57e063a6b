// What is wrong with a job, collected so that a user sees everything at once.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "base/error_details.h"

namespace limbeck::gateway {

// Named reasons of docs/errors.md that this folder gives.
inline constexpr std::string_view kSpecInvalid = "SPEC_INVALID";
inline constexpr std::string_view kRowInvalid = "ROW_INVALID";
inline constexpr std::string_view kInputMissing = "INPUT_MISSING";
inline constexpr std::string_view kTeacherForbidsTraining = "TEACHER_FORBIDS_TRAINING";
inline constexpr std::string_view kBudgetExceeded = "BUDGET_EXCEEDED";
inline constexpr std::string_view kQuoteStale = "QUOTE_STALE";

// One fault: where, what was expected, what to do.
struct Fault {
  // Path in the spec: "data.prompt.user", "task.classify.labels[2].name".
  std::string field;
  // What was found, what was expected and what to do about it.
  std::string description;
  std::string reason = std::string(kSpecInvalid);
};

// OK when there are none. INVALID_ARGUMENT lists all as field violations; FAILED_PRECONDITION where
// every fault is about the world rather than the spec (a missing dataset, a teacher without
// permission, money). The ErrorInfo reason is the faults' common one, else SPEC_INVALID.
absl::Status FaultsToStatus(const std::vector<Fault>& faults);

}  // namespace limbeck::gateway
