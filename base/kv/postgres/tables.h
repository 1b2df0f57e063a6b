// Tables of the interface as tables of the database, and the statements over them. The SQL keeps to
// what CockroachDB and YugabyteDB document as well.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/kv/postgres/connection.h"

namespace limbeck::kv {

// One (k bytea primary key, v bytea) table each, "kv_" before its name. Immutable.
class Tables {
 public:
  // INVALID_ARGUMENT for a name with other characters than a-z, 0-9 and "_".
  static absl::StatusOr<Tables> Named(const std::vector<std::string>& names);

  const std::vector<std::string>& names() const { return names_; }
  // NOT_FOUND for an unknown one.
  absl::Status Check(std::string_view table) const;

  Statement Create(std::string_view table) const;
  // Rows (k, v) of those keys that are there, in no order.
  Statement Read(std::string_view table, const std::vector<std::string>& keys) const;
  // The same, and nobody else changes them until the transaction ends.
  Statement ReadAndLock(std::string_view table, const std::vector<std::string>& keys) const;
  // Rows (k, v) from `begin` on, before `end` unless that is empty, in order.
  Statement Page(std::string_view table, std::string_view begin, std::string_view end,
                 int64_t rows) const;
  Statement Upsert(std::string_view table, const std::vector<std::string>& keys,
                   const std::vector<std::string>& values) const;
  Statement Delete(std::string_view table, const std::vector<std::string>& keys) const;

 private:
  std::vector<std::string> names_;
};

}  // namespace limbeck::kv
