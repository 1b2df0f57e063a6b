#include "base/kv/database_config.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/grpc/server_config.h"
#include "base/kv/postgres/connection_string.h"
#include "base/status.h"
#include "base/string_view.h"

namespace limbeck::kv {
namespace {

constexpr uint32_t kMaxConnections = 1'000;
constexpr uint32_t kMaxTimeoutSeconds = 300;

}  // namespace

std::vector<std::pair<std::string, std::string>> FaultsOf(const v1::DatabaseConfig& config) {
  std::vector<std::pair<std::string, std::string>> faults;
  if (const absl::Status status = CheckConnectionString(config.connection()); !status.ok()) {
    faults.emplace_back("connection", std::string(ToStd(status.message())));
  }
  if (config.max_connections() > kMaxConnections) {
    faults.emplace_back("max_connections", absl::StrCat("is ", config.max_connections(),
                                                        "; expected 1 … ", kMaxConnections));
  }
  if (config.timeout_seconds() > kMaxTimeoutSeconds) {
    faults.emplace_back("timeout_seconds", absl::StrCat("is ", config.timeout_seconds(),
                                                        "; expected 1 … ", kMaxTimeoutSeconds));
  }
  return faults;
}

absl::StatusOr<OpenOptions> ToOpenOptions(const v1::DatabaseConfig& config) {
  std::vector<std::string> lines;
  for (const auto& [field, what] : FaultsOf(config)) {
    lines.push_back(absl::StrCat("database.", field, " ", what));
  }
  if (!lines.empty()) return absl::InvalidArgumentError(absl::StrJoin(lines, "; "));
  OpenOptions options;
  options.driver = "postgres";
  options.connection = config.connection();
  if (config.has_password()) {
    LIMBECK_ASSIGN_OR_RETURN(options.password, rpc::ReadSecret(config.password()));
  }
  if (config.max_connections() > 0) {
    options.max_connections = static_cast<int>(config.max_connections());
  }
  if (config.timeout_seconds() > 0) options.timeout = absl::Seconds(config.timeout_seconds());
  return options;
}

}  // namespace limbeck::kv
