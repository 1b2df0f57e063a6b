#include "cache/client/accounts.h"

#include "absl/strings/str_cat.h"
#include "absl/time/civil_time.h"
#include "base/string_view.h"

namespace limbeck::cache {
namespace {

constexpr std::string_view kTeamPrefix = "team/";

}  // namespace

bool IsTeamAccount(std::string_view account) {
  return account.starts_with(kTeamPrefix) &&
         account.substr(kTeamPrefix.size()).find('/') == std::string_view::npos;
}

std::string MonthAccount(std::string_view team_account, absl::Time now) {
  return absl::StrCat(ToAbsl(team_account), "/",
                      absl::FormatTime("%E4Y-%m", now, absl::UTCTimeZone()));
}

bool IsMonth(std::string_view month) {
  absl::CivilMonth parsed;
  return month.size() == 7 && absl::ParseCivilTime(ToAbsl(month), &parsed) &&
         absl::FormatCivilTime(parsed) == ToAbsl(month);
}

}  // namespace limbeck::cache
