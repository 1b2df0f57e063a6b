#include <memory>
#include <string>
#include <vector>

#include "CLI/CLI.hpp"
#include "base/status.h"
#include "cli/commands.h"
#include "cli/dataset_upload.h"
#include "cli/exit_codes.h"
#include "cli/print.h"

namespace limbeck::cli {
namespace {

absl::StatusOr<int> UploadFiles(Session& session, const std::vector<std::string>& files) {
  const bool json = session.options().json;
  for (const auto& file : files) {
    auto result = UploadDataset(session, file);
    LIMBECK_RETURN_IF_ERROR(Annotate(result.status(), file));
    if (json) {
      LIMBECK_RETURN_IF_ERROR(PrintJson(result->dataset, session.io().out, true));
    } else {
      session.io().out << result->dataset.id() << "  " << FormatCount(result->dataset.rows())
                       << " rows  " << file << (result->known ? "  (was there already)" : "")
                       << std::endl;
    }
  }
  return kExitOk;
}

}  // namespace

void AddDatasetsUpload(CLI::App& datasets, Session& session) {
  auto files = std::make_shared<std::vector<std::string>>();
  CLI::App* command = datasets.add_subcommand(
      "upload", "Upload datasets; content that the service knows is not sent again");
  command->add_option("FILE", *files, ".jsonl, .csv or .tsv, also .gz or .zst")->required();
  command->footer(
      "Example:\n"
      "  limbeck datasets upload train.jsonl held_out.jsonl\n\n"
      "Exit status: 0 there, 1 failed, 2 malformed rows (each is named with its line).");
  command->callback([&session, files] {
    session.set_command([&session, files] { return UploadFiles(session, *files); });
  });
}

}  // namespace limbeck::cli
