#include "gateway/jobs/fault.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "base/string_view.h"

namespace limbeck::gateway {
namespace {

bool IsAboutTheWorld(const Fault& fault) {
  return fault.reason == kInputMissing || fault.reason == kTeacherForbidsTraining ||
         fault.reason == kBudgetExceeded || fault.reason == kQuoteStale;
}

}  // namespace

absl::Status FaultsToStatus(const std::vector<Fault>& faults) {
  if (faults.empty()) return absl::OkStatus();
  std::vector<FieldViolation> violations;
  violations.reserve(faults.size());
  for (const Fault& fault : faults) violations.push_back({fault.field, fault.description});
  const absl::Status listed = InvalidFields("the job", violations);
  const bool world = std::all_of(faults.begin(), faults.end(), IsAboutTheWorld);
  const bool one_reason = std::all_of(faults.begin(), faults.end(), [&](const Fault& fault) {
    return fault.reason == faults.front().reason;
  });
  const absl::Status coded(
      world ? absl::StatusCode::kFailedPrecondition : absl::StatusCode::kInvalidArgument,
      listed.message());
  return WithReason(WithFieldViolations(coded, violations),
                    one_reason ? std::string_view(faults.front().reason) : kSpecInvalid);
}

}  // namespace limbeck::gateway
