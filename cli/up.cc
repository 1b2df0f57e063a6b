#include "cli/up.h"

#include <pthread.h>
#include <signal.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/file.h"
#include "base/grpc/server.h"
#include "base/grpc/server_config.h"
#include "base/kv/database_config.h"
#include "base/log.h"
#include "base/metrics/exposition_server.h"
#include "base/metrics/metrics.h"
#include "base/status.h"
#include "cache/service/cache_node.h"
#include "cli/data_dir_lock.h"
#include "cli/exit_codes.h"
#include "cli/local_trainers.h"
#include "cli/signals.h"
#include "cli/supervisor.h"
#include "gateway/service/gateway_node.h"
#include "gateway/service/managed_jobs.h"

namespace limbeck::cli {
namespace {

// Trainers write a checkpoint when told to stop.
constexpr absl::Duration kTrainerGrace = absl::Seconds(20);
// Calls of teachers that are on the wire are kept when they come back within it.
constexpr absl::Duration kGatewayGrace = absl::Seconds(30);
constexpr absl::Duration kCacheGrace = absl::Seconds(10);

// Cache and gateway in this process. Members end in the reverse of their order.
class Host {
 public:
  static absl::StatusOr<std::unique_ptr<Host>> Start(v1::LimbeckConfig config) {
    std::unique_ptr<Host> host(new Host);
    const std::filesystem::path data_dir = config.data_dir();
    cache::CacheNodeOptions cache_options;
    cache_options.registry = &host->registry_;
    if (config.has_database()) {
      LIMBECK_ASSIGN_OR_RETURN(cache_options.engine, kv::ToOpenOptions(config.database()));
    }
    LIMBECK_ASSIGN_OR_RETURN(host->cache_,
                             cache::CacheNode::Open(data_dir / "cache", cache_options));
    LIMBECK_ASSIGN_OR_RETURN(const auto cache_server, rpc::ToServerOptions(config.cache()));
    LIMBECK_ASSIGN_OR_RETURN(host->cache_server_,
                             rpc::Server::Start(cache_server, {host->cache_->service()}));
    config.set_cache_target(host->cache_server_->local_target());
    gateway::GatewayNodeOptions gateway_options;
    gateway_options.jobs = gateway::OpenManagedJobs;
    LIMBECK_ASSIGN_OR_RETURN(
        host->gateway_, gateway::GatewayNode::Start(config, &host->registry_, gateway_options));
    LIMBECK_ASSIGN_OR_RETURN(host->exposition_, metrics::ExpositionServer::Start(
                                                    config.metrics_address(), &host->registry_));
    return host;
  }

  // Nothing new is begun; what is on the wire comes home, then the cache stops.
  void Stop() {
    gateway_->Shutdown(kGatewayGrace);
    cache_->StopStreams();
    cache_server_->Shutdown(kCacheGrace);
  }

  std::string gateway_target() const { return gateway_->local_target(); }
  std::string cache_target() const { return cache_server_->local_target(); }
  std::string metrics_target() const { return absl::StrCat("127.0.0.1:", exposition_->port()); }

 private:
  Host() = default;

  metrics::Registry registry_;
  std::unique_ptr<cache::CacheNode> cache_;
  std::unique_ptr<rpc::Server> cache_server_;
  std::unique_ptr<gateway::GatewayNode> gateway_;
  std::unique_ptr<metrics::ExpositionServer> exposition_;
};

absl::Status StartTrainers(const v1::LimbeckConfig& config, const Host& host,
                           Supervisor* supervisor) {
  if (config.local_trainers() == 0) return absl::OkStatus();
  LocalTrainerOptions options;
  LIMBECK_ASSIGN_OR_RETURN(options.program, FindSibling("limbeck-trainer"));
  options.gateway = host.gateway_target();
  options.work_dir = std::filesystem::path(config.data_dir()) / "trainers";
  options.count = config.local_trainers();
  options.processors = std::max(1u, std::thread::hardware_concurrency());
  LIMBECK_RETURN_IF_ERROR(MakeDirectories(options.work_dir));
  for (const ProgramOptions& trainer : LocalTrainers(options)) {
    LIMBECK_RETURN_IF_ERROR(supervisor->Add(trainer.arguments[4], trainer));
  }
  return absl::OkStatus();
}

// Tells people and programs where everything listens.
absl::Status Announce(const v1::LimbeckConfig& config, const Host& host,
                      const std::string& port_file, std::ostream& out) {
  out << "limbeck is up\n"
      << "  gateway   " << host.gateway_target() << '\n'
      << "  cache     " << host.cache_target() << '\n'
      << "  metrics   http://" << host.metrics_target() << "/metrics\n"
      << "  trainers  " << config.local_trainers() << '\n'
      << "  data      " << config.data_dir() << '\n'
      << "Ctrl-C stops it; nothing is lost." << std::endl;
  if (port_file.empty()) return absl::OkStatus();
  return WriteFileDurably(
      port_file,
      absl::StrCat("{\"gateway\": \"", host.gateway_target(), "\", \"cache\": \"",
                   host.cache_target(), "\", \"metrics\": \"", host.metrics_target(), "\"}\n"));
}

// Returns when a person or the system asks to stop.
void TendUntilStopped(SignalWaiter& signals, Supervisor& supervisor) {
  for (;;) {
    const std::optional<int> signal = signals.Wait(supervisor.Tend());
    if (signal == SIGINT || signal == SIGTERM) return;
  }
}

// A second signal ends the process at once; everything durable is safe at any moment.
void EndOnNextSignal() {
  ::signal(SIGINT, SIG_DFL);
  ::signal(SIGTERM, SIG_DFL);
  sigset_t stop;
  sigemptyset(&stop);
  sigaddset(&stop, SIGINT);
  sigaddset(&stop, SIGTERM);
  pthread_sigmask(SIG_UNBLOCK, &stop, nullptr);
}

}  // namespace

absl::StatusOr<int> Up(Session& session, const UpOptions& options) {
  // Before any thread is started, since threads inherit the mask.
  SignalWaiter signals({SIGINT, SIGTERM, SIGCHLD});
  LIMBECK_ASSIGN_OR_RETURN(const v1::LimbeckConfig config, LoadUpConfig(options));
  LIMBECK_ASSIGN_OR_RETURN(const auto lock, DataDirLock::Take(config.data_dir()));
  LIMBECK_ASSIGN_OR_RETURN(const auto host, Host::Start(config));
  LIMBECK_RETURN_IF_ERROR(lock->Describe(absl::StrCat("gateway on ", host->gateway_target())));
  Supervisor supervisor(session.clock(), {});
  LIMBECK_RETURN_IF_ERROR(StartTrainers(config, *host, &supervisor));
  LIMBECK_RETURN_IF_ERROR(Announce(config, *host, options.port_file, session.io().out));
  TendUntilStopped(signals, supervisor);
  session.io().out << "stopping; a second Ctrl-C stops at once" << std::endl;
  EndOnNextSignal();
  supervisor.Stop(kTrainerGrace);
  host->Stop();
  return kExitOk;
}

}  // namespace limbeck::cli
