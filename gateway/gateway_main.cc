// limbeck-gateway: the job API, the teachers' caller and the workers' coordinator, as a server.
#include <signal.h>

#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/flags/usage.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/config/yaml.h"
#include "base/file.h"
#include "base/log.h"
#include "base/metrics/exposition_server.h"
#include "base/metrics/metrics.h"
#include "base/program.h"
#include "base/status.h"
#include "gateway/service/gateway_node.h"
#include "gateway/service/managed_jobs.h"
#include "limbeck/v1/config.pb.h"

ABSL_FLAG(std::string, config, "",
          "The operator's limbeck.yaml; without it there are no teachers.");
ABSL_FLAG(std::string, data_dir, "", "Folder of all durable state; replaces data_dir of the file.");
ABSL_FLAG(std::string, listen, "",
          "Address of the service, port 0 takes a free one; replaces gateway.address of the file.");
ABSL_FLAG(std::string, cache, "", "host:port of the cache; replaces cache_target of the file.");
ABSL_FLAG(std::string, metrics_address, "",
          "Address of http://…/metrics; replaces metrics_address of the file.");
ABSL_FLAG(std::string, port_file, "", "Write the service's port here once it is ready.");
ABSL_FLAG(bool, insecure, false, "Listen beyond this machine without TLS and tokens.");
ABSL_FLAG(
    std::optional<uint32_t>, drain_seconds, std::nullopt,
    "After SIGTERM or SIGINT, time for calls in progress to end; replaces drain_seconds of the "
    "file.");

namespace {

using namespace limbeck;

constexpr const char* kUsage =
    "limbeck-gateway --config FILE [--cache HOST:PORT] [--listen HOST:PORT]\n\n"
    "Takes jobs, asks teachers, and coordinates trainers. Needs a running limbeck-cache.\n\n"
    "Examples:\n"
    "  limbeck-gateway --config limbeck.yaml\n"
    "  limbeck-gateway --config limbeck.yaml --data-dir /var/lib/limbeck --cache cache:7401\n"
    "  limbeck-gateway --config limbeck.yaml --listen 127.0.0.1:0 --port-file /run/gateway.port\n\n"
    "SIGTERM or SIGINT: sends nothing further, keeps what was paid for, then exits with 0. Calls "
    "that\n"
    "are not answered within drain_seconds are given up and booked as ambiguous.";

absl::StatusOr<v1::LimbeckConfig> ReadConfig() {
  v1::LimbeckConfig config;
  if (const std::string path = absl::GetFlag(FLAGS_config); !path.empty()) {
    LIMBECK_RETURN_IF_ERROR(config::ReadYamlFile(path, &config));
  }
  const auto replace = [](const std::string& flag, std::string* field) {
    if (!flag.empty()) *field = flag;
  };
  replace(absl::GetFlag(FLAGS_data_dir), config.mutable_data_dir());
  replace(absl::GetFlag(FLAGS_listen), config.mutable_gateway()->mutable_address());
  replace(absl::GetFlag(FLAGS_cache), config.mutable_cache_target());
  replace(absl::GetFlag(FLAGS_metrics_address), config.mutable_metrics_address());
  if (const auto drain = absl::GetFlag(FLAGS_drain_seconds); drain.has_value()) {
    config.set_drain_seconds(*drain);
  }
  if (absl::GetFlag(FLAGS_insecure)) {
    config.mutable_gateway()->mutable_security()->set_insecure(true);
  }
  return config;
}

absl::Status Run(const sigset_t& stop_signals) {
  LIMBECK_ASSIGN_OR_RETURN(const v1::LimbeckConfig written, ReadConfig());
  LIMBECK_ASSIGN_OR_RETURN(const gateway::GatewayConfig config,
                           gateway::ResolveGatewayConfig(written));
  metrics::Registry registry;
  LIMBECK_ASSIGN_OR_RETURN(const auto exposition, metrics::ExpositionServer::Start(
                                                      config.file.metrics_address(), &registry));
  gateway::GatewayNodeOptions options;
  options.jobs = gateway::OpenManagedJobs;
  LIMBECK_ASSIGN_OR_RETURN(const auto node,
                           gateway::GatewayNode::Start(config.file, &registry, options));
  if (const std::string path = absl::GetFlag(FLAGS_port_file); !path.empty()) {
    LIMBECK_RETURN_IF_ERROR(WriteFileDurably(path, absl::StrCat(node->port(), "\n")));
  }
  std::cout << "limbeck-gateway ready on " << node->local_target() << ", data in "
            << node->data_dir() << std::endl;

  int signal = 0;
  sigwait(&stop_signals, &signal);
  LIMBECK_LOG(INFO) << "stopping" << LogField("signal", signal);
  node->Shutdown(config.drain_for);
  return absl::OkStatus();
}

}  // namespace

int main(int argc, char** argv) {
  ForbidCoreDumps();
  absl::SetProgramUsageMessage(kUsage);
  AllowDashes(argc, argv);
  absl::ParseCommandLine(argc, argv);
  const sigset_t stop_signals = BlockStopSignals();
  if (const absl::Status status = Run(stop_signals); !status.ok()) {
    std::cerr << "limbeck-gateway: " << status.message() << std::endl;
    return 1;
  }
  return 0;
}
