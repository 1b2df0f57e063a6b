#include <string>
#include <vector>

#include "CLI/CLI.hpp"
#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "cli/commands.h"
#include "cli/exit_codes.h"
#include "cli/pages.h"
#include "cli/print.h"

namespace limbeck::cli {
namespace {

std::string StudentKind(const v1::StudentSpec& student) {
  return student.kind_case() == v1::StudentSpec::kEncoder ? "encoder" : "ngram";
}

// Students are what SUCCEEDED jobs leave behind.
absl::StatusOr<int> ListAllStudents(Session& session) {
  LIMBECK_ASSIGN_OR_RETURN(auto* stub, session.Jobs());
  LIMBECK_ASSIGN_OR_RETURN(
      auto response,
      ReadPages(stub, &v1::DistillationService::Stub::ListDistillationJobs,
                v1::ListDistillationJobsRequest(), 0,
                [](v1::ListDistillationJobsResponse* page) { return page->mutable_jobs(); }));
  v1::ListDistillationJobsResponse succeeded;
  for (auto& job : *response.mutable_jobs()) {
    if (job.state() == v1::JOB_STATE_SUCCEEDED) *succeeded.add_jobs() = std::move(job);
  }
  if (session.options().json) {
    LIMBECK_RETURN_IF_ERROR(PrintJson(succeeded, session.io().out));
    return kExitOk;
  }
  std::vector<std::vector<std::string>> rows;
  for (const auto& job : succeeded.jobs()) {
    rows.push_back({job.id(), StudentKind(job.spec().student()),
                    absl::StrCat(job.spec().task().classify().labels_size()),
                    EnumName(v1::Verdict_Name(job.verdict()), "VERDICT_"),
                    FormatTime(job.end_time()), job.spec().display_name()});
  }
  PrintTable({"JOB", "STUDENT", "LABELS", "VERDICT", "FINISHED", "NAME"}, rows, session.io().out);
  return kExitOk;
}

}  // namespace

void AddStudentsList(CLI::App& students, Session& session) {
  CLI::App* command =
      students.add_subcommand("list", "List students with their verdicts, newest first");
  command->footer(
      "Example:\n"
      "  limbeck students list\n\n"
      "With --json: the jobs that made them. Exit status: 0 listed, 1 the service could not be "
      "reached.");
  command->callback(
      [&session] { session.set_command([&session] { return ListAllStudents(session); }); });
}

}  // namespace limbeck::cli
