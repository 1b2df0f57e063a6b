// A quota pool as the operator wrote it, checked.
#pragma once

#include <vector>

#include "base/error_details.h"
#include "gateway/limits/quota.h"
#include "limbeck/v1/config.pb.h"

namespace limbeck::gateway {

// Fills everything but the name. Returns what is wrong, with fields relative to the pool
// ("limits[1].amount").
std::vector<FieldViolation> SetQuotaOptions(const v1::QuotaPoolConfig& pool,
                                            QuotaPoolOptions* options);

}  // namespace limbeck::gateway
