// What server programs do first: take over stop signals, and read flags as people write them.
#pragma once

#include <signal.h>

namespace limbeck {

// Blocks SIGTERM and SIGINT, to be taken with sigwait. Call before the first thread is started,
// since threads inherit the mask.
sigset_t BlockStopSignals();

// Turns --data-dir into --data_dir, in place, for Abseil's flags. Values are left alone.
void AllowDashes(int argc, char** argv);

}  // namespace limbeck
