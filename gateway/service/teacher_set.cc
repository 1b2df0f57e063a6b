#include "gateway/service/teacher_set.h"

#include <utility>

#include "gateway/teachers/gemini/service_account_token.h"

namespace limbeck::gateway {

TeacherSet::TeacherSet(const GatewayConfig& config, http::Transport* transport, Clock* clock,
                       uint64_t jitter_seed) {
  for (const QuotaPoolOptions& options : config.quota_pools) {
    pools_.emplace(options.name, std::make_unique<QuotaPool>(options, clock));
  }
  for (const auto& [name, configured] : config.teachers) {
    TeacherClientOptions options;
    options.dispatch.retry.max_tries = configured.max_attempts;
    options.dispatch.jitter_seed = jitter_seed;
    Teacher teacher;
    teacher.configured = configured;
    TeacherConfig& own = teacher.configured.config;
    if (auto account = ParseServiceAccount(own.service_account); account.ok()) {
      own.access_token = NewServiceAccountToken(*std::move(account), transport, clock);
    }
    teacher.client =
        TeacherClient::Create(own, configured.provider,
                              pools_.at(configured.config.quota_pool).get(), transport, options);
    teachers_.emplace(name, std::move(teacher));
  }
}

const TeacherSet::Teacher* TeacherSet::Find(std::string_view name) const {
  const auto it = teachers_.find(name);
  return it == teachers_.end() ? nullptr : &it->second;
}

void TeacherSet::Shutdown() {
  for (auto& [name, teacher] : teachers_) teacher.client->Shutdown();
}

}  // namespace limbeck::gateway
