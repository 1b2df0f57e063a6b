// What server programs do first: keep their keys out of core files, take over stop signals, and
// read flags as people write them.
#pragma once

#include <signal.h>

namespace limbeck {

// From now on a crash of this process leaves no core file, which would hold its keys and what it
// was asked, and other processes of its user cannot read its memory (core(5), PR_SET_DUMPABLE of
// prctl(2)). Programs that it starts inherit the limit. LIMBECK_CORE_DUMPS=1 in the environment
// leaves all as it is. Call before keys are read.
void ForbidCoreDumps();

// Blocks SIGTERM and SIGINT, to be taken with sigwait. Call before the first thread is started,
// since threads inherit the mask.
sigset_t BlockStopSignals();

// Turns --data-dir into --data_dir, in place, for Abseil's flags. Values are left alone.
void AllowDashes(int argc, char** argv);

}  // namespace limbeck
