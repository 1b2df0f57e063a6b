#include <cstdint>
#include <memory>
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

absl::StatusOr<int> ListRejectedRows(Session& session, const std::string& id, uint64_t limit) {
  LIMBECK_ASSIGN_OR_RETURN(auto* stub, session.Jobs());
  v1::ListRejectionsRequest request;
  request.set_id(id);
  LIMBECK_ASSIGN_OR_RETURN(
      auto response,
      ReadPages(stub, &v1::DistillationService::Stub::ListRejections, request, limit,
                [](v1::ListRejectionsResponse* page) { return page->mutable_rejections(); }));
  if (session.options().json) {
    LIMBECK_RETURN_IF_ERROR(PrintJson(response, session.io().out));
    return kExitOk;
  }
  std::vector<std::vector<std::string>> rows;
  for (const auto& rejection : response.rejections()) {
    rows.push_back({rejection.dataset(), absl::StrCat(rejection.row()), rejection.row_id(),
                    rejection.reason(), rejection.detail()});
  }
  PrintTable({"DATASET", "ROW", "ROW ID", "REASON", "THE TEACHER SAID"}, rows, session.io().out);
  return kExitOk;
}

}  // namespace

void AddJobsRejections(CLI::App& jobs, Session& session) {
  auto id = std::make_shared<std::string>();
  auto limit = std::make_shared<uint64_t>(100);
  CLI::App* command =
      jobs.add_subcommand("rejections", "List rows without a usable answer, with the reason");
  command->add_option("ID", *id, "The job")->required();
  command->add_option("--limit", *limit, "At most this many; 0 for all")->capture_default_str();
  command->footer(
      "Example:\n"
      "  limbeck jobs rejections job-0123456789abcdef --limit 0 --json\n\n"
      "Exit status: 0 listed, 1 no such job or the service could not be reached.");
  command->callback([&session, id, limit] {
    session.set_command([&session, id, limit] { return ListRejectedRows(session, *id, *limit); });
  });
}

}  // namespace limbeck::cli
