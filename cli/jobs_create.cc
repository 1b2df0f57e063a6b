#include <memory>
#include <optional>
#include <string>

#include "CLI/CLI.hpp"
#include "absl/strings/ascii.h"
#include "base/hash.h"
#include "base/status.h"
#include "cli/commands.h"
#include "cli/exit_codes.h"
#include "cli/follow_print.h"
#include "cli/print.h"
#include "cli/quote.h"

namespace limbeck::cli {
namespace {

struct CreateOptions {
  std::string file;
  std::string max_usd;
  std::string request_id;
  bool yes = false;
  bool dry_run = false;
  bool id_only = false;
  bool watch = false;
};

// Whether the person at the terminal agrees.
absl::Status AskToBuy(const Session& session, const v1::Quote& quote) {
  const Io& io = session.io();
  if (quote.high_micro_usd() == 0) return absl::OkStatus();
  if (!io.in_is_terminal) {
    return absl::InvalidArgumentError(
        "nobody to ask whether to buy; pass --yes, with --max-usd for a limit");
  }
  io.err << "Buy up to " << FormatUsd(quote.high_micro_usd()) << "? [y/N] " << std::flush;
  std::string answer;
  std::getline(io.in, answer);
  answer = absl::AsciiStrToLower(answer);
  if (answer == "y" || answer == "yes") return absl::OkStatus();
  return absl::CancelledError("nothing was bought and no job created");
}

void PrintNextSteps(const v1::DistillationJob& job, std::ostream& out) {
  out << "job " << job.id() << " created\n"
      << "  limbeck jobs watch " << job.id() << "\n"
      << "  limbeck jobs report " << job.id() << "   once it has succeeded\n";
}

absl::StatusOr<int> CreateFromFile(Session& session, const CreateOptions& options) {
  std::optional<int64_t> max_micro_usd;
  if (!options.max_usd.empty()) {
    LIMBECK_ASSIGN_OR_RETURN(max_micro_usd, ParseUsd(options.max_usd));
  }
  LIMBECK_ASSIGN_OR_RETURN(const PreparedJob job, PrepareJob(session, options.file));
  const Io& io = session.io();
  const bool json = session.options().json;
  if (!json) PrintQuote(job.quote, options.id_only ? io.err : io.out);
  const std::string request_id =
      options.request_id.empty() ? HexEncode(RandomBytes(16)) : options.request_id;
  if (options.dry_run) {
    if (json) LIMBECK_RETURN_IF_ERROR(PrintJson(job.quote, io.out));
    LIMBECK_RETURN_IF_ERROR(CreateJob(session, job, request_id, true).status());
    LIMBECK_RETURN_IF_ERROR(CheckQuote(job.quote, max_micro_usd));
    return kExitOk;
  }
  // The real call says best why a job is refused: by name and field.
  if (!job.quote.allowed()) {
    LIMBECK_RETURN_IF_ERROR(CreateJob(session, job, request_id, true).status());
  }
  LIMBECK_RETURN_IF_ERROR(CheckQuote(job.quote, max_micro_usd));
  if (!options.yes) LIMBECK_RETURN_IF_ERROR(AskToBuy(session, job.quote));
  LIMBECK_ASSIGN_OR_RETURN(const auto created, CreateJob(session, job, request_id, false));
  if (options.id_only) {
    io.out << created.id() << '\n' << std::flush;
  } else if (json) {
    LIMBECK_RETURN_IF_ERROR(PrintJson(created, io.out, options.watch));
  } else {
    PrintNextSteps(created, io.out);
  }
  if (!options.watch) return kExitOk;
  LIMBECK_RETURN_IF_ERROR(FollowAndPrint(session, {.job_id = created.id()}).status());
  return kExitOk;
}

}  // namespace

void AddJobsCreate(CLI::App& jobs, Session& session) {
  auto options = std::make_shared<CreateOptions>();
  CLI::App* command =
      jobs.add_subcommand("create", "Check a job file, show what it costs, ask, and start the job");
  command->add_option("-f,--file", options->file, "Job file (YAML)")->required();
  command->add_flag("--yes,-y", options->yes, "Do not ask");
  command->add_option("--max-usd", options->max_usd, "Refuse when the upper bound is above this");
  command->add_flag("--dry-run", options->dry_run, "Check and quote; create nothing, buy nothing");
  command->add_option("--request-id", options->request_id,
                      "The same id again returns the first call's job (default: a new id)");
  command->add_flag("--id-only", options->id_only, "Print the job's id alone on standard output");
  command->add_flag("--watch,-w", options->watch, "Follow the job until it ends");
  command->footer(
      "Examples:\n"
      "  limbeck jobs create -f job.yaml\n"
      "  limbeck jobs create -f job.yaml --yes --max-usd 25 --watch\n"
      "  limbeck jobs create -f job.yaml --dry-run --json\n\n"
      "Exit status: 0 created, 1 refused or failed, 2 wrong job file or dataset.");
  command->callback([&session, options] {
    session.set_command([&session, options] { return CreateFromFile(session, *options); });
  });
}

void AddEstimate(CLI::App& root, Session& session) {
  auto options = std::make_shared<CreateOptions>();
  options->dry_run = true;
  CLI::App* command = root.add_subcommand(
      "estimate", "Say what a job would cost and whether it may run; the same as create --dry-run");
  command->add_option("-f,--file", options->file, "Job file (YAML)")->required();
  command->add_option("--max-usd", options->max_usd, "Fail when the upper bound is above this");
  command->footer(
      "Example:\n"
      "  limbeck estimate -f job.yaml\n\n"
      "Exit status: 0 the job could run, 1 it would be refused, 2 wrong job file or dataset.");
  command->callback([&session, options] {
    session.set_command([&session, options] { return CreateFromFile(session, *options); });
  });
}

}  // namespace limbeck::cli
