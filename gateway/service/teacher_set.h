// The configured teachers, ready to be asked.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "base/clock.h"
#include "base/http/transport.h"
#include "base/kv/engine.h"
#include "base/metrics/metrics.h"
#include "gateway/dispatch/teacher_client.h"
#include "gateway/limits/shared_quota.h"
#include "gateway/service/gateway_config.h"

namespace limbeck::gateway {

// Thread-safe; the set never changes.
class TeacherSet {
 public:
  struct Teacher {
    ConfiguredTeacher configured;
    std::unique_ptr<TeacherClient> client;
  };

  struct Options {
    // Should differ between gateways.
    uint64_t jitter_seed = 1;
    // Where shared pools live, with SharedQuota's tables; borrowed, and needed only for such pools.
    kv::Engine* engine = nullptr;
    // Names this process among the pools' sharers; different after every start.
    std::string holder;
    // Borrowed; null discards metrics.
    metrics::Registry* registry = nullptr;
  };

  // Pools are shared by the teachers that name them. `transport` and `clock` are borrowed.
  TeacherSet(const GatewayConfig& config, http::Transport* transport, Clock* clock,
             const Options& options);
  // Waits for calls on the way: Shutdown first, and destroy the transport to end them at once.
  ~TeacherSet() = default;

  // Null where there is none.
  const Teacher* Find(std::string_view name) const;
  // By name.
  const std::map<std::string, Teacher, std::less<>>& teachers() const { return teachers_; }

  // Nothing further is sent; what is on the way still comes in.
  void Shutdown();

 private:
  // Pools outlive the clients.
  std::map<std::string, std::unique_ptr<QuotaPool>> pools_;
  // What is left of shared pools goes back once no client asks any more.
  std::vector<std::unique_ptr<SharedQuotaThread>> shared_;
  std::map<std::string, Teacher, std::less<>> teachers_;
};

}  // namespace limbeck::gateway
