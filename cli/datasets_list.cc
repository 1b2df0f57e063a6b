#include <string>
#include <vector>

#include "CLI/CLI.hpp"
#include "absl/strings/str_join.h"
#include "base/status.h"
#include "cli/commands.h"
#include "cli/exit_codes.h"
#include "cli/pages.h"
#include "cli/print.h"

namespace limbeck::cli {
namespace {

absl::StatusOr<int> ListAllDatasets(Session& session) {
  LIMBECK_ASSIGN_OR_RETURN(auto* stub, session.Datasets());
  LIMBECK_ASSIGN_OR_RETURN(
      auto response,
      ReadPages(stub, &v1::DatasetService::Stub::ListDatasets, v1::ListDatasetsRequest(), 0,
                [](v1::ListDatasetsResponse* page) { return page->mutable_datasets(); }));
  if (session.options().json) {
    LIMBECK_RETURN_IF_ERROR(PrintJson(response, session.io().out));
    return kExitOk;
  }
  std::vector<std::vector<std::string>> rows;
  for (const auto& dataset : response.datasets()) {
    rows.push_back({dataset.id(), FormatCount(dataset.rows()), FormatBytes(dataset.bytes()),
                    absl::StrJoin(dataset.columns(), ","), dataset.display_name()});
  }
  PrintTable({"DATASET", "ROWS", "SIZE", "COLUMNS", "NAME"}, rows, session.io().out);
  return kExitOk;
}

}  // namespace

void AddDatasetsList(CLI::App& datasets, Session& session) {
  CLI::App* command = datasets.add_subcommand("list", "List uploaded datasets");
  command->footer(
      "Example:\n"
      "  limbeck datasets list\n\n"
      "Exit status: 0 listed, 1 the service could not be reached.");
  command->callback(
      [&session] { session.set_command([&session] { return ListAllDatasets(session); }); });
}

}  // namespace limbeck::cli
