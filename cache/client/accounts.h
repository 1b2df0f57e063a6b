// Names of accounts: "job/ID" and "team/NAME", and for each calendar month in which a team reserved
// money "team/NAME/2026-11".
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>

#include "absl/time/time.h"

namespace limbeck::cache {

// The ceiling of an account without one.
inline constexpr int64_t kNoCeiling = std::numeric_limits<int64_t>::max() / 4;

inline std::string TeamAccount(std::string_view team) { return "team/" + std::string(team); }

// Whether it is a team's own account, not one of its months'.
bool IsTeamAccount(std::string_view account);

// The account of the month, in UTC, that holds `now`.
std::string MonthAccount(std::string_view team_account, absl::Time now);

// Whether `month` reads YYYY-MM and names a month.
bool IsMonth(std::string_view month);

}  // namespace limbeck::cache
