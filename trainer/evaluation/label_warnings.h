// What a reader of the report should know of the teacher's label probabilities.
#pragma once

#include <cstdint>

#include "limbeck/v1/job.pb.h"
#include "limbeck/v1/report.pb.h"

namespace limbeck::trainer {

// Of held-out rows with label probabilities from candidates per token.
struct AbsentLabels {
  // Rows in which the teacher's list has no token of some label.
  uint64_t rows = 0;
  // Over these rows, the mean of the largest probability that an unlisted token can have.
  double mean_bound = 0.0;
};

// That stated numbers are no probabilities of the model, and how they were calibrated; that labels
// were missing in the teacher's lists with more than a hundredth to lose. `report` has its data
// facts.
void AddLabelWarnings(const v1::JobSpec& spec, const AbsentLabels& absent,
                      v1::AcceptanceReport* report);

}  // namespace limbeck::trainer
