#include <memory>
#include <sstream>
#include <string>

#include "CLI/CLI.hpp"
#include "base/file.h"
#include "base/status.h"
#include "cli/commands.h"
#include "cli/exit_codes.h"
#include "cli/print.h"
#include "cli/report_text.h"
#include "cli/session.h"

namespace limbeck::cli {
namespace {

absl::StatusOr<int> ShowReport(Session& session, const std::string& id, const std::string& path) {
  LIMBECK_ASSIGN_OR_RETURN(auto* stub, session.Jobs());
  v1::GetAcceptanceReportRequest request;
  request.set_id(id);
  LIMBECK_ASSIGN_OR_RETURN(
      const auto report, Call(stub, &v1::DistillationService::Stub::GetAcceptanceReport, request));
  std::ostringstream text;
  if (session.options().json) {
    LIMBECK_RETURN_IF_ERROR(PrintJson(report, text));
  } else {
    PrintReport(report, text);
  }
  if (path.empty()) {
    session.io().out << text.str() << std::flush;
  } else {
    LIMBECK_RETURN_IF_ERROR(WriteFileDurably(path, text.str()));
  }
  return kExitOk;
}

}  // namespace

void AddJobsReport(CLI::App& jobs, Session& session) {
  auto id = std::make_shared<std::string>();
  auto path = std::make_shared<std::string>();
  CLI::App* command = jobs.add_subcommand(
      "report", "Show the acceptance report: may the student replace the teacher?");
  command->add_option("ID", *id, "The job")->required();
  command->add_option("-o,--output", *path, "Write it here instead of standard output");
  command->footer(
      "Examples:\n"
      "  limbeck jobs report job-0123456789abcdef\n"
      "  limbeck jobs report job-0123456789abcdef --json -o report.json\n\n"
      "Exit status: 0 shown, 1 the job has none (it has not succeeded).");
  command->callback([&session, id, path] {
    session.set_command([&session, id, path] { return ShowReport(session, *id, *path); });
  });
}

}  // namespace limbeck::cli
