// How many threads the students' arithmetic uses. Free of torch.
#pragma once

namespace limbeck::trainer {

// For the whole process, from now on; at least 1. Call before training starts: results may differ
// in rounding between thread counts.
void SetComputeThreads(int threads);

}  // namespace limbeck::trainer
