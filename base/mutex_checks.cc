#include "base/mutex_checks.h"

#include "absl/synchronization/mutex.h"

namespace limbeck {

void SetMutexChecks() {
#ifdef NDEBUG
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
#endif
}

}  // namespace limbeck
