#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "CLI/CLI.hpp"
#include "base/status.h"
#include "cli/commands.h"
#include "cli/exit_codes.h"
#include "cli/pages.h"
#include "cli/print.h"
#include "cli/progress_line.h"

namespace limbeck::cli {
namespace {

absl::StatusOr<int> ListJobs(Session& session, uint64_t limit) {
  LIMBECK_ASSIGN_OR_RETURN(auto* stub, session.Jobs());
  LIMBECK_ASSIGN_OR_RETURN(
      auto response,
      ReadPages(stub, &v1::DistillationService::Stub::ListDistillationJobs,
                v1::ListDistillationJobsRequest(), limit,
                [](v1::ListDistillationJobsResponse* page) { return page->mutable_jobs(); }));
  if (session.options().json) {
    LIMBECK_RETURN_IF_ERROR(PrintJson(response, session.io().out));
    return kExitOk;
  }
  std::vector<std::vector<std::string>> rows;
  for (const auto& job : response.jobs()) {
    rows.push_back({job.id(), StageName(job), EnumName(v1::Verdict_Name(job.verdict()), "VERDICT_"),
                    FormatUsd(job.progress().spent_micro_usd()), FormatTime(job.create_time()),
                    job.spec().display_name()});
    if (job.verdict() == v1::VERDICT_UNSPECIFIED) rows.back()[2] = "-";
  }
  PrintTable({"JOB", "STATE", "VERDICT", "SPENT", "CREATED", "NAME"}, rows, session.io().out);
  return kExitOk;
}

}  // namespace

void AddJobsList(CLI::App& jobs, Session& session) {
  auto limit = std::make_shared<uint64_t>(100);
  CLI::App* command = jobs.add_subcommand("list", "List jobs, newest first");
  command->add_option("--limit", *limit, "At most this many; 0 for all")->capture_default_str();
  command->footer(
      "Example:\n"
      "  limbeck jobs list --limit 10\n\n"
      "Exit status: 0 listed, 1 the service could not be reached.");
  command->callback([&session, limit] {
    session.set_command([&session, limit] { return ListJobs(session, *limit); });
  });
}

}  // namespace limbeck::cli
