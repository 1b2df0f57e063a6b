// Checks a job spec against what the operator configured and what is known of its datasets. Pure:
// reads no file, asks nobody; faults of single rows are found by data_check.h.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "gateway/expansion/expansion.h"
#include "gateway/jobs/fault.h"
#include "gateway/jobs/teacher_facts.h"
#include "limbeck/v1/dataset_service.pb.h"
#include "limbeck/v1/job.pb.h"

namespace limbeck::gateway {

struct SpecContext {
  const TeacherCatalog* teachers = nullptr;
  // Null where the id names no stored dataset; `held_out` also where the spec has none.
  const v1::Dataset* train = nullptr;
  const v1::Dataset* held_out = nullptr;
  // Of data.expansion.few_shot.pool; null also where the spec has none.
  const v1::Dataset* pool = nullptr;
  // A job with more queries is refused.
  uint64_t max_queries = ExpansionSpec().max_queries;
  // Most that a team's jobs may spend together; 0 for no limit.
  int64_t team_ceiling_micro_usd = 0;
};

// Every fault of `spec`, whose defaults are filled in, in the order of its fields. Empty when the
// spec is sound.
std::vector<Fault> ValidateSpec(const v1::JobSpec& spec, const SpecContext& context);

}  // namespace limbeck::gateway
