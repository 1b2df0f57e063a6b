#include "cli/run.h"

#include <algorithm>
#include <exception>

#include "CLI/CLI.hpp"
#include "cli/commands.h"
#include "cli/exit_codes.h"
#include "cli/print.h"
#include "cli/session.h"

namespace limbeck::cli {
namespace {

void AddGlobalOptions(CLI::App& root, GlobalOptions& options) {
  root.add_option("--server", options.server, "The gateway, host:port")
      ->envname("LIMBECK_SERVER")
      ->capture_default_str();
  root.add_option("--cache", options.cache, "The cache, host:port (`limbeck cache …` only)")
      ->envname("LIMBECK_CACHE")
      ->capture_default_str();
  root.add_option("--token-file", options.token_file, "File that holds the bearer token")
      ->envname("LIMBECK_TOKEN_FILE");
  root.add_option("--ca-file", options.ca_file,
                  "PEM file of authorities to trust; turns TLS on for the connection")
      ->envname("LIMBECK_CA_FILE");
  root.add_flag("--json", options.json, "Print JSON instead of text for people");
}

CLI::App& AddGroup(CLI::App& root, const std::string& name, const std::string& description) {
  CLI::App* group = root.add_subcommand(name, description);
  group->require_subcommand(1);
  return *group;
}

void AddJobs(CLI::App& root, Session& session) {
  CLI::App& jobs = AddGroup(root, "jobs", "Create, follow and end distillation jobs");
  AddJobsCreate(jobs, session);
  AddJobsInit(jobs, session);
  AddJobsList(jobs, session);
  AddJobsGet(jobs, session);
  AddJobsWatch(jobs, session);
  AddJobsWait(jobs, session);
  AddJobsUpdate(jobs, session);
  AddJobsPause(jobs, session);
  AddJobsResume(jobs, session);
  AddJobsCancel(jobs, session);
  AddJobsRejections(jobs, session);
  AddJobsReport(jobs, session);
  AddJobsInvoice(jobs, session);
}

void AddCommands(CLI::App& root, Session& session) {
  AddUp(root, session);
  AddJobs(root, session);
  AddEstimate(root, session);
  CLI::App& datasets = AddGroup(root, "datasets", "Upload and list datasets");
  AddDatasetsUpload(datasets, session);
  AddDatasetsList(datasets, session);
  CLI::App& teachers = AddGroup(root, "teachers", "List and probe the configured teachers");
  AddTeachersList(teachers, session);
  AddTeachersProbe(teachers, session);
  AddTeamsInvoice(AddGroup(root, "teams", "Look into teams' money"), session);
  CLI::App& students = AddGroup(root, "students", "List, export and use students");
  AddStudentsList(students, session);
  AddStudentsExport(students, session);
  AddStudentsPredict(students, session);
  CLI::App& cache = AddGroup(root, "cache", "Look into the cache of soft outputs");
  AddCacheStats(cache, session);
  AddCacheVerify(cache, session);
  AddCacheAmbiguous(cache, session);
  AddVersion(root, session);
}

int RunCommand(Session& session) {
  const auto result = session.command()();
  if (result.ok()) return *result;
  PrintError(result.status(), session.io().err);
  return ExitCodeFor(result.status());
}

}  // namespace

int Run(const std::vector<std::string>& arguments, const Io& io, Clock* clock) {
  Session session(io, clock);
  CLI::App root("Limbeck: distil a teacher behind an HTTP API into a small student.", "limbeck");
  root.fallthrough();
  root.require_subcommand(1);
  root.footer(
      "Exit status: 0 done, 1 failed, 2 bad input; `jobs wait --exit-status` also 3 rejected,\n"
      "4 inconclusive, 5 cancelled.\n\n"
      "Start with: limbeck up, then limbeck jobs init and limbeck jobs create -f job.yaml");
  root.set_version_flag("--version", "limbeck " LIMBECK_VERSION, "Print the version and exit");
  AddGlobalOptions(root, session.options());
  AddCommands(root, session);
  try {
    // CLI11 takes them last one first.
    root.parse(std::vector<std::string>(arguments.rbegin(), arguments.rend()));
    return RunCommand(session);
  } catch (const CLI::ParseError& error) {
    const int status = root.exit(error, io.out, io.err);
    return status == 0 ? kExitOk : kExitBadInput;
  } catch (const std::exception& error) {
    io.err << "limbeck: " << error.what() << '\n';
    return kExitFailure;
  }
}

}  // namespace limbeck::cli
