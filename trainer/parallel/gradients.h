// Sums gradients over a group.
#pragma once

#include <span>
#include <vector>

#include "absl/status/status.h"
#include "trainer/parallel/process_group.h"
#include "trainer/students/student.h"

namespace limbeck::trainer {

// Floats of dense gradients in one all-reduce; bounds the copy and lets Gloo pipeline.
inline constexpr size_t kGradientBucketFloats = 4u << 20;

// Replaces every gradient by its sum over the ranks, and `extras` too. Dense gradients are
// flattened into buckets and all-reduced. Row-sparse ones are gathered (touched rows and their
// gradients) and merged in order of rank: a batch touches few of a table's rows, and the row set
// must be the union anyway, because a lazy optimiser decays exactly the touched rows.
absl::Status AllReduceGradients(ProcessGroup* group, std::vector<Parameter>* parameters,
                                std::span<float> extras);

}  // namespace limbeck::trainer
