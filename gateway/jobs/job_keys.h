// Keys and page tokens of the job store.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "gateway/jobs/job_store.h"

namespace limbeck::gateway {

inline constexpr std::string_view kJobsTable = "jobs";
inline constexpr std::string_view kJobsByTimeTable = "jobs_by_time";
inline constexpr std::string_view kJobRequestsTable = "job_requests";
inline constexpr std::string_view kJobEventsTable = "job_events";
inline constexpr std::string_view kJobRejectionsTable = "job_rejections";
inline constexpr std::string_view kJobMarksTable = "job_marks";
inline constexpr std::string_view kJobPlansTable = "job_plans";
inline constexpr std::string_view kJobReportsTable = "job_reports";
inline constexpr std::string_view kGatewayMetaTable = "gateway_meta";

std::string RequestKey(std::string_view team, std::string_view request_id);
std::string TimeKey(int64_t unix_micros, std::string_view id);
std::string EventKey(std::string_view id, uint64_t cursor);
std::string RejectionKeyOf(std::string_view id, const RejectionKey& key);
// Prefix of all keys of one job in a table whose keys start with its id.
std::string JobPrefix(std::string_view id);

// Page tokens are the hexadecimal digits of the last key given.
std::string PageToken(std::string_view key);
// The first key after the one in `token`; `begin` for an empty token. INVALID_ARGUMENT otherwise.
absl::StatusOr<std::string> PageStart(std::string_view begin, std::string_view token);

// `size`, or the default for 0. INVALID_ARGUMENT above kMaxPageSize.
absl::StatusOr<uint32_t> PageSize(uint32_t size);

}  // namespace limbeck::gateway
