#include "tests/support/postgres_server.h"

#include <pwd.h>
#include <unistd.h>

#include <csignal>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "base/status.h"

namespace limbeck::testing {
namespace {

constexpr absl::Duration kStartTimeout = absl::Seconds(60);
constexpr char kServerUser[] = "postgres";

absl::StatusOr<std::string> RunOk(const ProcessOptions& options) {
  LIMBECK_ASSIGN_OR_RETURN(const RunResult result, RunToEnd(options, kStartTimeout));
  if (result.exit_code == 0) return result.out;
  return absl::FailedPreconditionError(absl::StrCat(
      options.program, " ended with ", result.exit_code, ": ", result.out, result.err));
}

}  // namespace

absl::StatusOr<std::unique_ptr<PostgresServer>> PostgresServer::Start(
    const PostgresOptions& options) {
  ScopedTempDirectory scratch;
  absl::StatusOr<std::string> programs = RunOk({.program = "/usr/bin/pg_config",
                                                .arguments = {"--bindir"},
                                                .environment = {},
                                                .output = scratch.path() / "out",
                                                .error_output = scratch.path() / "err",
                                                .working_directory = {}});
  if (!programs.ok()) {
    return absl::FailedPreconditionError(
        absl::StrCat("PostgreSQL is not installed: ", programs.status().message()));
  }
  std::unique_ptr<PostgresServer> server(
      new PostgresServer(std::string(absl::StripAsciiWhitespace(*programs)), options));
  LIMBECK_RETURN_IF_ERROR(server->Initialise());
  LIMBECK_RETURN_IF_ERROR(server->Restart());
  return server;
}

PostgresServer::~PostgresServer() { Kill(); }

ProcessOptions PostgresServer::Program(const std::string& name,
                                       std::vector<std::string> arguments) const {
  ProcessOptions options;
  options.program = absl::StrCat(programs_, "/", name);
  options.arguments = std::move(arguments);
  options.output = directory_.path() / absl::StrCat(name, ".", starts_, ".out");
  options.working_directory = directory_.path();
  if (::geteuid() != 0) return options;
  // Changing the user forgets that the child is to end with this program: setpriv says it again.
  options.arguments.insert(options.arguments.begin(),
                           {"--reuid", kServerUser, "--regid", kServerUser, "--init-groups",
                            "--pdeathsig", "KILL", options.program});
  options.program = "/usr/bin/setpriv";
  return options;
}

absl::Status PostgresServer::Initialise() {
  if (::geteuid() == 0) {
    const passwd* const user = ::getpwnam(kServerUser);
    if (user == nullptr) return absl::FailedPreconditionError("there is no user \"postgres\"");
    if (::chown(directory_.path().c_str(), user->pw_uid, user->pw_gid) != 0) {
      return absl::ErrnoToStatus(errno, "give the server its folder");
    }
  }
  ProcessOptions initdb = Program("initdb", {"--pgdata=data", "--auth=trust", "--username=limbeck",
                                             "--encoding=UTF8", "--locale=C", "--no-sync"});
  initdb.error_output = directory_.path() / "initdb.err";
  return RunOk(initdb).status();
}

void PostgresServer::Kill() {
  if (process_ == nullptr) return;
  process_->Signal(SIGQUIT);
  if (!process_->Wait(kStartTimeout).ok()) process_->Signal(SIGKILL);
  process_.reset();
}

absl::Status PostgresServer::Restart() {
  Kill();
  ++starts_;
  std::vector<std::string> arguments = {"-D", "data", "-k", directory_.path().string()};
  std::vector<std::string> settings = options_.settings;
  settings.insert(settings.end(), {"listen_addresses=", "log_line_prefix=", "max_connections=100"});
  if (!options_.fsync) settings.insert(settings.end(), {"fsync=off", "full_page_writes=off"});
  for (const std::string& setting : settings) {
    arguments.insert(arguments.end(), {"-c", setting});
  }
  LIMBECK_ASSIGN_OR_RETURN(process_, Process::Start(Program("postgres", arguments)));
  return process_
      ->WaitForLine("LOG:  database system is ready to accept connections", kStartTimeout)
      .status();
}

std::string PostgresServer::ConnectionString(const std::string& schema) const {
  return absl::StrCat("host=", directory_.path().string(),
                      " user=limbeck dbname=postgres options=-csearch_path=", schema);
}

absl::StatusOr<std::string> PostgresServer::Sql(const std::string& statements) const {
  ScopedTempDirectory scratch;
  return RunOk({.program = absl::StrCat(programs_, "/psql"),
                .arguments = {"--no-psqlrc", "--tuples-only", "--no-align", "--quiet",
                              "--set=ON_ERROR_STOP=1", "--dbname", ConnectionString(), "--command",
                              statements},
                .environment = {},
                .output = scratch.path() / "out",
                .error_output = scratch.path() / "err",
                .working_directory = {}});
}

}  // namespace limbeck::testing
