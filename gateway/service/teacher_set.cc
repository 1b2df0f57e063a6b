#include "gateway/service/teacher_set.h"

#include <utility>

#include "gateway/teachers/gemini/service_account_token.h"

namespace limbeck::gateway {
namespace {

// Of a lease, between looks at the shared pools.
constexpr double kRefreshShare = 0.02;

}  // namespace

TeacherSet::TeacherSet(const GatewayConfig& config, http::Transport* transport, Clock* clock,
                       const Options& options) {
  for (const QuotaPoolOptions& pool_options : config.quota_pools) {
    auto pool = std::make_unique<QuotaPool>(pool_options, clock, options.registry);
    if (pool_options.shared) {
      SharedQuotaOptions shared;
      shared.holder = options.holder;
      shared.lease = pool_options.lease;
      shared_.push_back(SharedQuotaThread::Start(
          std::make_unique<SharedQuota>(pool.get(), options.engine, clock, shared),
          pool_options.lease * kRefreshShare, pool_options.name));
    }
    pools_.emplace(pool_options.name, std::move(pool));
  }
  for (const auto& [name, configured] : config.teachers) {
    TeacherClientOptions client;
    client.dispatch.retry.max_tries = configured.max_attempts;
    client.dispatch.jitter_seed = options.jitter_seed;
    client.registry = options.registry;
    Teacher teacher;
    teacher.configured = configured;
    TeacherConfig& own = teacher.configured.config;
    if (auto account = ParseServiceAccount(own.service_account); account.ok()) {
      own.access_token = NewServiceAccountToken(*std::move(account), transport, clock);
    }
    teacher.client = TeacherClient::Create(
        own, configured.provider, pools_.at(configured.config.quota_pool).get(), transport, client);
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
