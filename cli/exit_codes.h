// Exit statuses of `limbeck`, as README.md promises them.
#pragma once

namespace limbeck::cli {

inline constexpr int kExitOk = 0;
// Anything that went wrong and is not the caller's input.
inline constexpr int kExitFailure = 1;
// A wrong command line, job file or dataset.
inline constexpr int kExitBadInput = 2;
// `jobs wait --exit-status`: the job succeeded, its student did not pass.
inline constexpr int kExitRejected = 3;
// `jobs wait --exit-status`: more held-out rows are needed to decide.
inline constexpr int kExitInconclusive = 4;
// `jobs wait --exit-status`: somebody cancelled the job.
inline constexpr int kExitCancelled = 5;

}  // namespace limbeck::cli
