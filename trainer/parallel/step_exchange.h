// What the ranks of a group tell each other in a step: gradients, loss, rows, and whether to save.
#pragma once

#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "trainer/parallel/process_group.h"
#include "trainer/students/student.h"

namespace limbeck::trainer {

// Everything travels in one gather while the dense gradients of all peers are at most this many
// floats; the encoder's defaults fit with three ranks. Where they are more, they are all-reduced in
// buckets beside it, since a gather carries each rank's whole gradient to every other.
inline constexpr size_t kGatheredDenseFloats = 1u << 20;

// Floats of dense gradients in one all-reduce; bounds the copy and lets Gloo pipeline.
inline constexpr size_t kGradientBucketFloats = 4u << 20;

// One rank's part of a step, or all ranks' together.
struct StepTotals {
  double loss = 0.0;        // Sum over rows.
  uint64_t rows = 0;        // So that a lost row is noticed and not trained around.
  bool checkpoint = false;  // Rank 0's word counts.
};

// Replaces every gradient by its sum over the ranks and returns the sums of `mine`. Row-sparse
// gradients travel as touched rows: a batch touches few of a table's rows, and the row set must be
// the union anyway, because a lazy optimiser decays exactly the touched rows. Sums are made in
// order of rank, so that every rank gets the same bits. DATA_LOSS when a peer's part does not fit.
absl::StatusOr<StepTotals> ExchangeStep(ProcessGroup* group, std::vector<Parameter>* parameters,
                                        const StepTotals& mine);

}  // namespace limbeck::trainer
