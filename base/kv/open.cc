#include "base/kv/open.h"

#include <set>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/kv/memory/memory_engine.h"
#include "base/kv/postgres/postgres_engine.h"
#include "base/kv/rocksdb/rocksdb_engine.h"
#include "base/status.h"

namespace limbeck::kv {
namespace {

struct Driver {
  std::string_view name;
  absl::StatusOr<std::unique_ptr<Engine>> (*open)(const OpenOptions&);
};

constexpr Driver kDrivers[] = {
    {"rocksdb", OpenRocksdbEngine},
    {"postgres", OpenPostgresEngine},
    {"memory", OpenMemoryEngine},
};

absl::Status CheckTables(const std::vector<std::string>& tables) {
  if (tables.empty()) return absl::InvalidArgumentError("no table named; name at least one");
  std::set<std::string_view> seen;
  for (const std::string& table : tables) {
    if (table.empty()) return absl::InvalidArgumentError("a table's name is empty");
    if (!seen.insert(table).second) {
      return absl::InvalidArgumentError(absl::StrCat("table \"", table, "\" is named twice"));
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::unique_ptr<Engine>> Open(const OpenOptions& options) {
  std::vector<std::string> names;
  for (const Driver& driver : kDrivers) {
    names.emplace_back(driver.name);
    if (driver.name != options.driver) continue;
    LIMBECK_RETURN_IF_ERROR(CheckTables(options.tables));
    return driver.open(options);
  }
  return absl::InvalidArgumentError(
      absl::StrCat("unknown key-value driver \"", options.driver,
                   "\"; choose one of: ", absl::StrJoin(names, ", ")));
}

}  // namespace limbeck::kv
