// What gateways that share a quota pool keep in the key-value engine: one row per pool.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace limbeck::gateway {

// Times are wall time in microseconds since the Unix epoch, the only clock that machines share.
struct SharedRecord {
  struct Bucket {
    int64_t millionths = 0;  // What nobody has been granted.
    int64_t refilled_micros = 0;
  };
  // What one gateway holds.
  struct Lease {
    std::map<std::string, int64_t> left;  // By limit; negative is debt.
    uint32_t slots = 0;
    bool hungry = false;  // It got less than it wants.
    int64_t deadline_micros = 0;
  };
  std::map<std::string, Bucket> buckets;  // By limit.
  std::map<std::string, Lease> leases;    // By gateway.
  int64_t parked_until_micros = 0;
};

// JSON with the members of SharedRecord under "version": 1, so that an operator can read it.
std::string Encode(const SharedRecord& record);
// DATA_LOSS when it is not that.
absl::StatusOr<SharedRecord> DecodeSharedRecord(std::string_view text);

}  // namespace limbeck::gateway
