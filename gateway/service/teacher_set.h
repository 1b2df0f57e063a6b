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
#include "gateway/dispatch/teacher_client.h"
#include "gateway/service/gateway_config.h"

namespace limbeck::gateway {

// Thread-safe; the set never changes.
class TeacherSet {
 public:
  struct Teacher {
    ConfiguredTeacher configured;
    std::unique_ptr<TeacherClient> client;
  };

  // Pools are shared by the teachers that name them. `transport` and `clock` are borrowed.
  // `jitter_seed` should differ between gateways.
  TeacherSet(const GatewayConfig& config, http::Transport* transport, Clock* clock,
             uint64_t jitter_seed);
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
  std::map<std::string, Teacher, std::less<>> teachers_;
};

}  // namespace limbeck::gateway
