#include "cli/up_config.h"

#include <filesystem>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/config/yaml.h"
#include "base/status.h"

namespace limbeck::cli {
namespace {

constexpr const char* kDefaultFile = "limbeck.yaml";
constexpr uint32_t kDefaultTrainers = 2;

void SetDefault(const char* value, std::string* field) {
  if (field->empty()) *field = value;
}

bool AsksForTlsOrToken(const v1::ServerConfig& server) {
  return server.security().has_token() || !server.security().certificate_file().empty();
}

// The trainers of `limbeck up` are started without keys and certificates, so a server that asks for
// them would turn them away again and again.
absl::Status CheckTrainersAreLetIn(const v1::LimbeckConfig& config) {
  if (config.local_trainers() == 0) return absl::OkStatus();
  for (const auto& [name, server] :
       {std::pair("gateway", &config.gateway()), std::pair("cache", &config.cache())}) {
    if (!AsksForTlsOrToken(*server)) continue;
    return absl::InvalidArgumentError(absl::StrCat(
        name,
        ".security: the trainers of `limbeck up` use neither TLS nor a token; set "
        "local_trainers: 0 (or --trainers 0) and start `limbeck-trainer work --tls --token-file "
        "FILE` yourself"));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<v1::LimbeckConfig> LoadUpConfig(const UpOptions& options) {
  v1::LimbeckConfig config;
  std::error_code error;
  if (!options.config_file.empty()) {
    LIMBECK_RETURN_IF_ERROR(config::ReadYamlFile(options.config_file, &config));
  } else if (std::filesystem::exists(kDefaultFile, error)) {
    LIMBECK_RETURN_IF_ERROR(config::ReadYamlFile(kDefaultFile, &config));
  }
  if (!options.data_dir.empty()) config.set_data_dir(options.data_dir);
  if (options.trainers.has_value()) config.set_local_trainers(*options.trainers);
  SetDefault("limbeck-data", config.mutable_data_dir());
  SetDefault("127.0.0.1:7400", config.mutable_gateway()->mutable_address());
  SetDefault("127.0.0.1:7401", config.mutable_cache()->mutable_address());
  SetDefault("127.0.0.1:7410", config.mutable_metrics_address());
  if (!config.has_local_trainers()) config.set_local_trainers(kDefaultTrainers);
  if (config.local_trainers() > kMaxLocalTrainers) {
    return absl::InvalidArgumentError(
        absl::StrCat("local_trainers: ", config.local_trainers(), " is above ", kMaxLocalTrainers));
  }
  LIMBECK_RETURN_IF_ERROR(CheckTrainersAreLetIn(config));
  return config;
}

}  // namespace limbeck::cli
