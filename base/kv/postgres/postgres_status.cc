#include "base/kv/postgres/postgres_status.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "base/string_view.h"

namespace limbeck::kv {
namespace {

absl::StatusCode Code(std::string_view sqlstate) {
  const std::string_view kind = sqlstate.substr(0, 2);
  if (sqlstate == "53100" || sqlstate == "53200") return absl::StatusCode::kResourceExhausted;
  if (sqlstate == "54000" || kind == "22") return absl::StatusCode::kInvalidArgument;
  if (kind == "XX") {
    const bool damaged = sqlstate == "XX001" || sqlstate == "XX002";
    return damaged ? absl::StatusCode::kDataLoss : absl::StatusCode::kInternal;
  }
  if (kind == "28" || sqlstate == "3D000" || sqlstate == "3F000" || sqlstate == "42501") {
    return absl::StatusCode::kFailedPrecondition;  // Password, database, schema, rights.
  }
  // Connections that break, servers that stop, too many clients, a standby that takes no writes.
  if (sqlstate.empty() || kind == "08" || kind == "53" || kind == "57" || kind == "58" ||
      sqlstate == "25006") {
    return absl::StatusCode::kUnavailable;
  }
  return absl::StatusCode::kInternal;
}

}  // namespace

absl::Status FromPostgres(std::string_view sqlstate, std::string_view message,
                          std::string_view action) {
  const absl::string_view text = absl::StripAsciiWhitespace(ToAbsl(message));
  return absl::Status(Code(sqlstate), absl::StrCat(ToAbsl(action), ": ", text,
                                                   sqlstate.empty() ? "" : " (SQLSTATE ",
                                                   ToAbsl(sqlstate), sqlstate.empty() ? "" : ")"));
}

bool IsConflict(std::string_view sqlstate) { return sqlstate == "40001" || sqlstate == "40P01"; }

bool IsCreatedMeanwhile(std::string_view sqlstate) {
  return sqlstate == "23505" || sqlstate == "42P07" || sqlstate == "42710";
}

}  // namespace limbeck::kv
