// A teacher's `batch` of the configuration file, as batches want it.
#pragma once

#include <vector>

#include "base/error_details.h"
#include "gateway/teachers/batch_limits.h"
#include "limbeck/v1/config.pb.h"

namespace limbeck::gateway {

// Fills in defaults. Everything wrong; field names are those within the teacher.
std::vector<FieldViolation> SetBatchLimits(const v1::BatchPurchase& given, BatchLimits* limits);

}  // namespace limbeck::gateway
