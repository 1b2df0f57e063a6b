#include "base/kv/postgres/tables.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "base/kv/batch_check.h"
#include "base/kv/postgres/binary_values.h"
#include "base/string_view.h"

namespace limbeck::kv {
namespace {

std::string Quoted(std::string_view table) { return absl::StrCat("\"kv_", ToAbsl(table), "\""); }

Parameter Keys(const std::vector<std::string>& keys) {
  return {kBytesArray, EncodeBytesArray(keys)};
}

}  // namespace

absl::StatusOr<Tables> Tables::Named(const std::vector<std::string>& names) {
  for (const std::string& name : names) {
    for (const char c : name) {
      if (!absl::ascii_islower(c) && !absl::ascii_isdigit(c) && c != '_') {
        return absl::InvalidArgumentError(
            absl::StrCat("table \"", name, "\": only a-z, 0-9 and _ may be in a table's name"));
      }
    }
  }
  Tables tables;
  tables.names_ = names;
  return tables;
}

absl::Status Tables::Check(std::string_view table) const {
  if (std::find(names_.begin(), names_.end(), table) != names_.end()) return absl::OkStatus();
  return UnknownTable(table, names_);
}

Statement Tables::Create(std::string_view table) const {
  return {absl::StrCat("CREATE TABLE IF NOT EXISTS ", Quoted(table),
                       " (k bytea PRIMARY KEY, v bytea NOT NULL)"),
          {}};
}

Statement Tables::Read(std::string_view table, const std::vector<std::string>& keys) const {
  return {absl::StrCat("SELECT k, v FROM ", Quoted(table), " WHERE k = ANY($1)"), {Keys(keys)}};
}

Statement Tables::ReadAndLock(std::string_view table, const std::vector<std::string>& keys) const {
  // In order, so that two of them do not wait for each other.
  return {
      absl::StrCat("SELECT k, v FROM ", Quoted(table), " WHERE k = ANY($1) ORDER BY k FOR UPDATE"),
      {Keys(keys)}};
}

Statement Tables::Page(std::string_view table, std::string_view begin, std::string_view end,
                       int64_t rows) const {
  Statement statement{absl::StrCat("SELECT k, v FROM ", Quoted(table), " WHERE k >= $1"),
                      {{kBytes, std::string(begin)}, {kInteger, EncodeInteger(rows)}}};
  if (!end.empty()) {
    statement.sql += " AND k < $3";
    statement.parameters.push_back({kBytes, std::string(end)});
  }
  statement.sql += " ORDER BY k LIMIT $2";
  return statement;
}

Statement Tables::Upsert(std::string_view table, const std::vector<std::string>& keys,
                         const std::vector<std::string>& values) const {
  return {absl::StrCat("INSERT INTO ", Quoted(table), " (k, v) SELECT * FROM unnest($1, $2) ",
                       "ON CONFLICT (k) DO UPDATE SET v = excluded.v"),
          {Keys(keys), Keys(values)}};
}

Statement Tables::Delete(std::string_view table, const std::vector<std::string>& keys) const {
  return {absl::StrCat("DELETE FROM ", Quoted(table), " WHERE k = ANY($1)"), {Keys(keys)}};
}

}  // namespace limbeck::kv
