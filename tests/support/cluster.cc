#include "tests/support/cluster.h"

#include <signal.h>

#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "base/http/transport.h"
#include "base/status.h"

namespace limbeck::testing {
namespace {

constexpr size_t kShownLog = 1500;

std::string Loopback(int port) { return absl::StrCat("127.0.0.1:", port); }

bool IsWorker(const std::string& part) { return absl::StartsWith(part, "worker-"); }

}  // namespace

absl::StatusOr<std::unique_ptr<Cluster>> Cluster::Start(ClusterOptions options) {
  auto cluster = std::unique_ptr<Cluster>(new Cluster(std::move(options)));
  LIMBECK_RETURN_IF_ERROR(cluster->ChoosePorts());
  LIMBECK_RETURN_IF_ERROR(cluster->WriteConfig());
  for (const std::string& part : cluster->parts()) {
    LIMBECK_RETURN_IF_ERROR(cluster->Restart(part));
  }
  return cluster;
}

std::vector<std::string> Cluster::parts() const {
  if (options_.cache_only) return {"cache"};
  std::vector<std::string> parts = {"teacher", "cache", "gateway"};
  for (size_t i = 0; i < options_.workers; ++i) parts.push_back(absl::StrCat("worker-", i));
  return parts;
}

absl::Status Cluster::ChoosePorts() {
  for (const char* server : {"teacher", "cache", "gateway", "metrics"}) {
    LIMBECK_ASSIGN_OR_RETURN(ports_[server], FreePort());
  }
  return absl::OkStatus();
}

absl::Status Cluster::WriteConfig() const {
  LIMBECK_RETURN_IF_ERROR(WriteFileDurably(dir() / "script.json", options_.teacher_script));
  std::string key;
  if (!options_.teacher_key.empty()) {
    const std::string file = (dir() / "teacher.key").string();
    LIMBECK_RETURN_IF_ERROR(WriteFileDurably(file, options_.teacher_key));
    key = absl::StrCat("  key: {file: \"", file, "\"}\n");
  }
  return WriteFileDurably(
      dir() / "limbeck.yaml",
      absl::StrCat(
          "data_dir: ", (dir() / "data").string(), "\n",                                    //
          "gateway: {address: \"", Loopback(ports_.at("gateway")), "\"}\n",                 //
          "cache: {address: \"", Loopback(ports_.at("cache")), "\"}\n",                     //
          "metrics_address: \"", Loopback(ports_.at("metrics")), "\"\n",                    //
          "teachers:\n- name: ", kTeacher, "\n",                                            //
          "  kind: ", options_.teacher_kind, "\n",                                          //
          "  base_url: http://", Loopback(ports_.at("teacher")), "/v1\n",                   //
          "  model: fake-model\n  quota_pool: fake-pool\n",                                 //
          "  input_micro_usd_per_million: ", options_.input_micro_usd_per_million, "\n",    //
          "  output_micro_usd_per_million: ", options_.output_micro_usd_per_million, "\n",  //
          options_.teacher_batch.empty() ? ""
                                         : absl::StrCat("  batch: ", options_.teacher_batch, "\n"),
          "  max_attempts: ", options_.max_attempts, "\n",             //
          "  timeout_seconds: ", options_.timeout_seconds, "\n", key,  //
          "  training_use: {basis: BASIS_OWN_MODEL, evidence: test, reviewed_on: \"2026-01-01\"}\n",
          "quota_pools:\n- {name: fake-pool, max_concurrency: ", options_.max_concurrency, "}\n"));
}

absl::StatusOr<ProcessOptions> Cluster::Program(const std::string& part) const {
  ProcessOptions options;
  options.output = dir() / absl::StrCat(part, ".log");
  const std::string config = (dir() / "limbeck.yaml").string();
  if (part == "teacher") {
    options.program = "fake_teacher";
    options.arguments = {absl::StrCat("--port=", ports_.at(part)),
                         absl::StrCat("--mode=", options_.teacher_kind),
                         absl::StrCat("--script=", (dir() / "script.json").string())};
    if (options_.static_answer.empty()) {
      options.arguments.push_back(absl::StrCat("--invoice=", (dir() / "invoice").string()));
    } else {
      options.arguments.push_back(
          absl::StrCat("--static_answer=", options_.static_answer.string()));
    }
  } else if (part == "cache" || part == "gateway") {
    options.program = absl::StrCat("limbeck-", part);
    options.arguments = {absl::StrCat("--config=", config)};
  } else if (IsWorker(part)) {
    options.program = "limbeck-trainer";
    options.arguments = {"work", "--gateway",  gateway_target(),        "--worker-id",
                         part,   "--work-dir", (dir() / part).string(), "--threads",
                         "1"};
    options.arguments.insert(options.arguments.end(), options_.worker_arguments.begin(),
                             options_.worker_arguments.end());
    options.environment = {{"OMP_WAIT_POLICY", "passive"}};
  } else {
    return absl::NotFoundError(absl::StrCat("no part ", part));
  }
  return options;
}

absl::Status Cluster::Restart(const std::string& part) {
  LIMBECK_ASSIGN_OR_RETURN(const ProcessOptions options, Program(part));
  running_.erase(part);
  LIMBECK_ASSIGN_OR_RETURN(running_[part], Process::Start(options));
  const auto port = ports_.find(part);
  if (port == ports_.end()) {
    // Started again, its log has the line already: workers are the ones who call, none waits.
    return running_[part]
        ->WaitForLine(absl::StrCat("limbeck-trainer ", part, " works for "), options_.start_timeout)
        .status();
  }
  return running_[part]->WaitForPort(port->second, options_.start_timeout);
}

absl::Status Cluster::Kill(const std::string& part) {
  running_.at(part)->Signal(SIGKILL);
  return running_.at(part)->Wait(absl::Seconds(30)).status();
}

absl::StatusOr<int> Cluster::Stop(const std::string& part, absl::Duration timeout) {
  running_.at(part)->Signal(SIGTERM);
  return running_.at(part)->Wait(timeout);
}

absl::Status Cluster::CheckAlive() {
  for (auto& [part, process] : running_) {
    if (!process->Running()) {
      return absl::FailedPreconditionError(absl::StrCat(part, " has ended\n", Logs()));
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<RunResult> Cluster::RunProgram(const std::string& program,
                                              std::vector<std::string> arguments,
                                              absl::Duration timeout) {
  ProcessOptions options;
  options.program = program;
  options.arguments = std::move(arguments);
  options.environment = {{"LIMBECK_SERVER", gateway_target()},
                         {"LIMBECK_CACHE", cache_target()},
                         {"OMP_WAIT_POLICY", "passive"}};
  options.working_directory = dir();
  const int run = ++runs_;
  options.output = dir() / absl::StrCat("run-", run, ".out");
  options.error_output = dir() / absl::StrCat("run-", run, ".err");
  return RunToEnd(options, timeout);
}

absl::StatusOr<RunResult> Cluster::Limbeck(const std::vector<std::string>& arguments,
                                           absl::Duration timeout) {
  return RunProgram("limbeck", arguments, timeout);
}

absl::StatusOr<RunResult> Cluster::Trainer(const std::vector<std::string>& arguments,
                                           absl::Duration timeout) {
  return RunProgram("limbeck-trainer", arguments, timeout);
}

absl::StatusOr<std::vector<InvoiceLine>> Cluster::Invoice() const {
  return ReadInvoice((dir() / "invoice").string());
}

absl::StatusOr<std::string> Cluster::Metrics() const {
  LIMBECK_ASSIGN_OR_RETURN(const auto transport, http::NewCurlTransport({}));
  http::Request request;
  request.method = "GET";
  request.url = absl::StrCat("http://", Loopback(ports_.at("metrics")), "/metrics");
  http::Outcome answer;
  absl::Notification came;
  transport->Start(std::move(request), [&](http::Outcome outcome) {
    answer = std::move(outcome);
    came.Notify();
  });
  came.WaitForNotification();
  LIMBECK_RETURN_IF_ERROR(answer.status);
  return answer.response.body;
}

std::string Cluster::gateway_target() const { return Loopback(ports_.at("gateway")); }
std::string Cluster::cache_target() const { return Loopback(ports_.at("cache")); }

std::string Cluster::teacher_target() const { return Loopback(ports_.at("teacher")); }

std::string Cluster::Logs() const {
  std::string logs;
  for (const auto& [part, process] : running_) {
    const std::string log = process->Output();
    absl::StrAppend(&logs, "---- ", part, "\n",
                    log.size() > kShownLog ? log.substr(log.size() - kShownLog) : log, "\n");
  }
  return logs;
}

}  // namespace limbeck::testing
