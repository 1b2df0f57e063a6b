// The operator's configuration as the gateway's parts want it: checked, with defaults and secrets.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "gateway/jobs/teacher_facts.h"
#include "gateway/limits/quota_pool.h"
#include "gateway/teachers/teacher.h"
#include "limbeck/v1/config.pb.h"

namespace limbeck::gateway {

// A teacher that can be asked.
struct ConfiguredTeacher {
  TeacherConfig config;
  TeacherFacts facts;
  const Provider* provider = nullptr;  // Never destroyed.
  uint32_t max_attempts = 5;
};

struct GatewayConfig {
  // As written, with defaults filled in.
  v1::LimbeckConfig file;
  // By name.
  std::map<std::string, ConfiguredTeacher, std::less<>> teachers;
  // Every pool that a teacher names, its own included.
  std::vector<QuotaPoolOptions> quota_pools;
  std::string team;
  int64_t team_ceiling_micro_usd = 0;        // 0: no limit.
  int64_t team_month_ceiling_micro_usd = 0;  // Of each calendar month; 0: no limit.
  double team_share_weight = 1;
  // After a stop, for calls on the wire.
  absl::Duration drain_for;

  TeacherCatalog Catalog() const;
};

// INVALID_ARGUMENT lists all faults at once as field violations ("teachers[1].base_url"): missing
// or doubled names, unknown kinds and pools, bad URLs, plain http beyond loopback, permission
// without evidence, keys that cannot be read. Messages never hold a key.
absl::StatusOr<GatewayConfig> ResolveGatewayConfig(v1::LimbeckConfig file);

// ResolveGatewayConfig on a YAML file; faults of the YAML itself come first, also all at once.
absl::StatusOr<GatewayConfig> LoadGatewayConfig(const std::string& path);

// "api.openai.com" of "https://api.openai.com/v1", with a port where there is one; empty when there
// is no host.
std::string_view UrlAuthority(std::string_view url);

}  // namespace limbeck::gateway
