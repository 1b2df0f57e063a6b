// What `limbeck up` runs with: the operator's configuration, the command line's overrides,
// defaults.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "limbeck/v1/config.pb.h"

namespace limbeck::cli {

struct UpOptions {
  // limbeck.yaml; empty takes ./limbeck.yaml where there is one, else an empty configuration.
  std::string config_file;
  // Replaces data_dir when not empty.
  std::string data_dir;
  // Written once everything listens, as {"gateway": "host:port", "cache": …, "metrics": …}.
  std::string port_file;
  // Replaces local_trainers.
  std::optional<uint32_t> trainers;
};

// All faults of the file at once with their lines. Defaults are filled in: addresses, data_dir,
// local_trainers. INVALID_ARGUMENT also for more than kMaxLocalTrainers, and for any where gateway
// or cache ask for TLS or a token, which local trainers do not have.
absl::StatusOr<v1::LimbeckConfig> LoadUpConfig(const UpOptions& options);

inline constexpr uint32_t kMaxLocalTrainers = 64;

}  // namespace limbeck::cli
