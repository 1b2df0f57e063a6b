#include "trainer/students/compute_threads.h"

#include <ATen/Parallel.h>

#include <algorithm>

namespace limbeck::trainer {

void SetComputeThreads(int threads) { at::set_num_threads(std::max(1, threads)); }

}  // namespace limbeck::trainer
