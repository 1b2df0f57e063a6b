// limbeck-cache: the cache of soft outputs with its ledger, as a server.
#include <signal.h>

#include <cstdio>
#include <filesystem>
#include <iostream>
#include <string>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/flags/usage.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/config/yaml.h"
#include "base/file.h"
#include "base/grpc/server.h"
#include "base/grpc/server_config.h"
#include "base/kv/database_config.h"
#include "base/log.h"
#include "base/metrics/exposition_server.h"
#include "base/program.h"
#include "base/status.h"
#include "cache/service/cache_node.h"
#include "limbeck/v1/config.pb.h"

ABSL_FLAG(std::string, config, "",
          "limbeck.yaml: data_dir (the cache's folder is \"cache\" in it), cache.address, "
          "cache.security and database. Flags that are given win.");
ABSL_FLAG(std::string, data_dir, "", "Folder of the database and the packs; created when missing.");
ABSL_FLAG(std::string, listen, "",
          "Address of the service, by default 127.0.0.1:7401; port 0 takes a free one.");
ABSL_FLAG(bool, insecure, false, "Listen beyond this machine without TLS and tokens.");
ABSL_FLAG(std::string, tls_certificate, "", "PEM file with the server's certificate.");
ABSL_FLAG(std::string, tls_key, "", "PEM file with the certificate's key.");
ABSL_FLAG(std::string, tls_client_ca, "", "PEM file; clients must show a certificate it signed.");
ABSL_FLAG(std::string, token_file, "", "File with the tokens that may call, one a line.");
ABSL_FLAG(std::string, metrics_address, "", "Address of http://…/metrics; empty for none.");
ABSL_FLAG(std::string, port_file, "", "Write the service's port here once it is ready.");
ABSL_FLAG(absl::Duration, drain, absl::Seconds(25),
          "After SIGTERM or SIGINT, time for calls in progress to end.");
ABSL_FLAG(uint64_t, pack_cache_mib, 256, "Memory for opened packs.");
ABSL_FLAG(uint64_t, block_cache_mib, 64, "Memory for the database's blocks.");
ABSL_FLAG(uint64_t, max_streams, 256, "Streams at once.");

namespace {

using namespace limbeck;

struct Settings {
  std::string data_dir;
  kv::OpenOptions engine;
  rpc::ServerOptions server;
};

// The configuration's part in it, then the flags'.
absl::StatusOr<Settings> LoadSettings() {
  Settings settings;
  v1::LimbeckConfig config;
  if (const std::string path = absl::GetFlag(FLAGS_config); !path.empty()) {
    LIMBECK_RETURN_IF_ERROR(config::ReadYamlFile(path, &config));
    const std::string root = config.data_dir().empty() ? "limbeck-data" : config.data_dir();
    settings.data_dir = (std::filesystem::path(root) / "cache").string();
  }
  if (config.has_database()) {
    LIMBECK_ASSIGN_OR_RETURN(settings.engine, kv::ToOpenOptions(config.database()));
  }
  if (config.cache().address().empty()) config.mutable_cache()->set_address("127.0.0.1:7401");
  LIMBECK_ASSIGN_OR_RETURN(settings.server, rpc::ToServerOptions(config.cache()));
  const auto take = [](const std::string& flag, std::string* setting) {
    if (!flag.empty()) *setting = flag;
  };
  take(absl::GetFlag(FLAGS_data_dir), &settings.data_dir);
  take(absl::GetFlag(FLAGS_listen), &settings.server.address);
  take(absl::GetFlag(FLAGS_tls_certificate), &settings.server.tls_certificate_file);
  take(absl::GetFlag(FLAGS_tls_key), &settings.server.tls_key_file);
  take(absl::GetFlag(FLAGS_tls_client_ca), &settings.server.tls_client_ca_file);
  take(absl::GetFlag(FLAGS_token_file), &settings.server.token_file);
  settings.server.insecure = settings.server.insecure || absl::GetFlag(FLAGS_insecure);
  if (settings.data_dir.empty()) {
    return absl::InvalidArgumentError("--config or --data_dir: name the cache's folder");
  }
  return settings;
}

absl::Status Run(const sigset_t& stop_signals) {
  LIMBECK_ASSIGN_OR_RETURN(const Settings settings, LoadSettings());
  metrics::Registry registry;
  cache::CacheNodeOptions options;
  options.registry = &registry;
  options.engine = settings.engine;
  options.engine.block_cache_bytes = absl::GetFlag(FLAGS_block_cache_mib) << 20;
  options.service.pack_cache_bytes = absl::GetFlag(FLAGS_pack_cache_mib) << 20;
  options.service.max_streams = absl::GetFlag(FLAGS_max_streams);
  LIMBECK_ASSIGN_OR_RETURN(const auto node, cache::CacheNode::Open(settings.data_dir, options));
  LIMBECK_ASSIGN_OR_RETURN(const auto server,
                           rpc::Server::Start(settings.server, {node->service()}));
  std::unique_ptr<metrics::ExpositionServer> exposition;
  if (const std::string address = absl::GetFlag(FLAGS_metrics_address); !address.empty()) {
    LIMBECK_ASSIGN_OR_RETURN(exposition, metrics::ExpositionServer::Start(address, &registry));
  }
  if (const std::string path = absl::GetFlag(FLAGS_port_file); !path.empty()) {
    LIMBECK_RETURN_IF_ERROR(WriteFileDurably(path, absl::StrCat(server->port(), "\n")));
  }
  std::cout << "limbeck-cache ready on " << server->local_target() << ", data in "
            << settings.data_dir << std::endl;

  int signal = 0;
  sigwait(&stop_signals, &signal);
  LIMBECK_LOG(INFO) << "stopping" << LogField("signal", signal);
  node->StopStreams();
  server->Shutdown(absl::GetFlag(FLAGS_drain));
  return absl::OkStatus();
}

}  // namespace

int main(int argc, char** argv) {
  absl::SetProgramUsageMessage(
      "limbeck-cache --config limbeck.yaml | --data_dir FOLDER [--listen HOST:PORT]");
  AllowDashes(argc, argv);
  absl::ParseCommandLine(argc, argv);
  const sigset_t stop_signals = BlockStopSignals();
  if (const absl::Status status = Run(stop_signals); !status.ok()) {
    std::cerr << "limbeck-cache: " << status.message() << std::endl;
    return 1;
  }
  return 0;
}
