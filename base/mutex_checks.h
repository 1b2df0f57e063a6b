// Whether Abseil's mutexes watch for lock-order cycles.
#pragma once

namespace limbeck {

// Turns the watching off in builds without assertions, for the whole process. Debian ships Abseil
// with it on, gRPC's own locks included, where it took 80 % of a busy cache server's time. Builds
// with assertions keep it: tests should find lock-order faults. Thread-safe; cheap to call again.
void SetMutexChecks();

}  // namespace limbeck
