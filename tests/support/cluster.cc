#include "tests/support/cluster.h"

#include <signal.h>

#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "base/http/transport.h"
#include "base/status.h"
#include "tests/support/fake_teacher/shapes.h"

namespace limbeck::testing {
namespace {

constexpr size_t kShownLog = 1500;

std::string Loopback(int port) { return absl::StrCat("127.0.0.1:", port); }

bool IsWorker(const std::string& part) { return absl::StartsWith(part, "worker-"); }
bool IsGateway(const std::string& part) { return absl::StartsWith(part, "gateway"); }
bool IsCache(const std::string& part) { return absl::StartsWith(part, "cache"); }

}  // namespace

absl::StatusOr<std::unique_ptr<Cluster>> Cluster::Start(ClusterOptions options) {
  auto cluster = std::unique_ptr<Cluster>(new Cluster(std::move(options)));
  LIMBECK_RETURN_IF_ERROR(cluster->ChoosePorts());
  LIMBECK_RETURN_IF_ERROR(cluster->StartTeacher());
  for (const std::string& gateway : cluster->gateways()) {
    LIMBECK_RETURN_IF_ERROR(cluster->WriteConfig(gateway));
  }
  for (const std::string& part : cluster->parts()) {
    LIMBECK_RETURN_IF_ERROR(cluster->Restart(part));
  }
  return cluster;
}

std::vector<std::string> Cluster::parts() const {
  if (options_.cache_only) return {"cache"};
  std::vector<std::string> parts;
  if (!options_.teacher_in_process) parts.push_back("teacher");
  for (const std::string& cache : caches()) parts.push_back(cache);
  for (const std::string& gateway : gateways()) parts.push_back(gateway);
  for (size_t i = 0; i < options_.workers; ++i) parts.push_back(absl::StrCat("worker-", i));
  return parts;
}

std::vector<std::string> Cluster::gateways() const {
  std::vector<std::string> names = {"gateway"};
  for (size_t i = 1; i < options_.gateways; ++i) names.push_back(absl::StrCat("gateway-", i));
  return names;
}

std::vector<std::string> Cluster::caches() const {
  if (options_.database.empty()) return {"cache"};
  std::vector<std::string> names;
  for (const std::string& gateway : gateways()) names.push_back(CacheOf(gateway));
  return names;
}

std::string Cluster::CacheOf(const std::string& gateway) const {
  if (options_.database.empty()) return "cache";
  return absl::StrCat("cache", gateway.substr(std::string("gateway").size()));
}

absl::Status Cluster::ChoosePorts() {
  std::vector<std::string> servers = caches();
  servers.push_back("teacher");
  for (const std::string& gateway : gateways()) {
    servers.push_back(gateway);
    servers.push_back(absl::StrCat("metrics of ", gateway));
  }
  for (const std::string& server : servers) {
    LIMBECK_ASSIGN_OR_RETURN(ports_[server], FreePort());
  }
  if (options_.proxy_cache) {
    LIMBECK_ASSIGN_OR_RETURN(cache_wire_, TcpProxy::Start(ports_.at("cache")));
  }
  return absl::OkStatus();
}

absl::Status Cluster::StartTeacher() {
  LIMBECK_RETURN_IF_ERROR(WriteFileDurably(dir() / "script.json", options_.teacher_script));
  if (!options_.teacher_key.empty()) {
    LIMBECK_RETURN_IF_ERROR(WriteFileDurably(dir() / "teacher.key", options_.teacher_key));
  }
  if (!options_.teacher_in_process) return absl::OkStatus();
  FakeTeacherOptions teacher;
  teacher.port = ports_.at("teacher");
  teacher.kind = options_.teacher_kind;
  LIMBECK_ASSIGN_OR_RETURN(teacher.script, ParseScript(options_.teacher_script));
  teacher.invoice_path = (dir() / "invoice").string();
  teacher.watcher = options_.watcher;
  teacher.choose_fault = options_.choose_fault;
  LIMBECK_ASSIGN_OR_RETURN(teacher_, FakeTeacher::Start(std::move(teacher)));
  return absl::OkStatus();
}

std::filesystem::path Cluster::ConfigOf(const std::string& part) const {
  // A cache reads the file of its gateway.
  const size_t dash = IsGateway(part) || IsCache(part) ? part.find('-') : part.npos;
  return dir() /
         (dash == part.npos ? "limbeck.yaml" : absl::StrCat("limbeck", part.substr(dash), ".yaml"));
}

std::string Cluster::TeacherYaml(const OtherTeacher& teacher) const {
  const std::string key =
      options_.teacher_key.empty()
          ? ""
          : absl::StrCat("  key: {file: \"", (dir() / "teacher.key").string(), "\"}\n");
  return absl::StrCat(
      "- name: ", teacher.name, "\n",                                                   //
      "  kind: ", teacher.kind, "\n",                                                   //
      "  base_url: ", teacher.base_url, "\n",                                           //
      "  model: fake-model\n  quota_pool: ", teacher.name, "-pool\n",                   //
      "  input_micro_usd_per_million: ", options_.input_micro_usd_per_million, "\n",    //
      "  output_micro_usd_per_million: ", options_.output_micro_usd_per_million, "\n",  //
      "  max_attempts: ", options_.max_attempts, "\n",                                  //
      "  timeout_seconds: ", options_.timeout_seconds, "\n", key,                       //
      options_.teacher_batch.empty() || teacher.name != kTeacher
          ? ""
          : absl::StrCat("  batch: ", options_.teacher_batch, "\n"),
      "  training_use: {basis: BASIS_OWN_MODEL, evidence: test, reviewed_on: \"2026-01-01\"}\n");
}

std::string Cluster::TeachersYaml() const {
  const auto shape = FindShape(options_.teacher_kind);
  const std::string path(shape.ok() ? (*shape)->base_path() : "");
  std::vector<OtherTeacher> all = {{kTeacher,
                                    absl::StrCat("http://", Loopback(ports_.at("teacher")), path),
                                    options_.teacher_kind}};
  all.insert(all.end(), options_.other_teachers.begin(), options_.other_teachers.end());
  std::string teachers = "teachers:\n";
  std::string pools = "quota_pools:\n";
  for (const OtherTeacher& teacher : all) {
    teachers += TeacherYaml(teacher);
    absl::StrAppend(&pools, "- {name: ", teacher.name,
                    "-pool, max_concurrency: ", options_.max_concurrency,
                    teacher.name == kTeacher ? options_.pool_yaml : "", "}\n");
  }
  return teachers + pools;
}

std::string Cluster::TeamYaml() const {
  if (options_.team_ceiling_micro_usd == 0 && options_.team_month_ceiling_micro_usd == 0) return "";
  std::string team = "teams:\n- {name: default";
  if (options_.team_ceiling_micro_usd != 0) {
    absl::StrAppend(&team, ", ceiling_micro_usd: ", options_.team_ceiling_micro_usd);
  }
  if (options_.team_month_ceiling_micro_usd != 0) {
    absl::StrAppend(&team, ", month_ceiling_micro_usd: ", options_.team_month_ceiling_micro_usd);
  }
  return team + "}\n";
}

std::string Cluster::DrainYaml() const {
  if (!options_.drain_seconds.has_value()) return "";
  return absl::StrCat("drain_seconds: ", *options_.drain_seconds, "\n");
}

absl::Status Cluster::WriteConfig(const std::string& gateway) const {
  const std::string data = gateway == "gateway" ? "data" : absl::StrCat("data-", gateway);
  const int own_cache = ports_.at(CacheOf(gateway));
  const int cache = cache_wire_ == nullptr ? own_cache : cache_wire_->port();
  const std::string database = options_.database.empty() ? ""
                                                         : absl::StrCat("database: {connection: \"",
                                                                        options_.database, "\"}\n");
  return WriteFileDurably(
      ConfigOf(gateway),
      absl::StrCat("data_dir: ", (dir() / data).string(), "\n",                     //
                   "gateway: {address: \"", Loopback(ports_.at(gateway)), "\"}\n",  //
                   "cache: {address: \"", Loopback(own_cache), "\"}\n",             //
                   "cache_target: \"", Loopback(cache), "\"\n",                     //
                   "metrics_address: \"", Loopback(ports_.at(absl::StrCat("metrics of ", gateway))),
                   "\"\n", database, DrainYaml(), TeachersYaml(), TeamYaml()));
}

absl::StatusOr<ProcessOptions> Cluster::Program(const std::string& part) const {
  ProcessOptions options;
  options.output = dir() / absl::StrCat(part, ".log");
  // Where a core would be written.
  options.working_directory = dir();
  const std::string config = ConfigOf(part).string();
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
  } else if (IsCache(part) || IsGateway(part)) {
    options.program = IsCache(part) ? "limbeck-cache" : "limbeck-gateway";
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

absl::Status Cluster::Launch(const std::string& part) {
  LIMBECK_ASSIGN_OR_RETURN(const ProcessOptions options, Program(part));
  running_.erase(part);
  LIMBECK_ASSIGN_OR_RETURN(running_[part], Process::Start(options));
  return absl::OkStatus();
}

absl::Status Cluster::Restart(const std::string& part) {
  LIMBECK_RETURN_IF_ERROR(Launch(part));
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
  return running_.at(part)->Wait(absl::Minutes(4)).status();
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
  request.url = absl::StrCat(
      "http://", Loopback(ports_.at(absl::StrCat("metrics of ", used_gateway_))), "/metrics");
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

std::string Cluster::gateway_target() const { return Loopback(ports_.at(used_gateway_)); }
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
