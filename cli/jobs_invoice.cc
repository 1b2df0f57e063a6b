#include <memory>
#include <string>

#include "CLI/CLI.hpp"
#include "cli/commands.h"
#include "cli/invoice.h"

namespace limbeck::cli {

void AddJobsInvoice(CLI::App& jobs, Session& session) {
  auto id = std::make_shared<std::string>();
  auto csv = std::make_shared<bool>(false);
  CLI::App* command =
      jobs.add_subcommand("invoice", "Show what a job was charged for, to the micro-USD");
  command->add_option("ID", *id, "The job")->required();
  command->add_flag("--csv", *csv, "One line per call instead of sums");
  command->footer(
      "Kinds: bought, late (billed, another answer was first), unusable (billed), ambiguous "
      "(sent,\n"
      "outcome unknown, counts as spent), unused (reserved, not billed), open (under way), "
      "cached.\n"
      "The lines' micro_usd add up to what the job has spent.\n\n"
      "Examples:\n"
      "  limbeck jobs invoice job-0123456789abcdef\n"
      "  limbeck jobs invoice job-0123456789abcdef --csv > job.csv\n"
      "  limbeck jobs invoice job-0123456789abcdef --json\n\n"
      "Exit status: 0 shown whole, 1 no such job, nothing reserved yet, or cut short.");
  command->callback([&session, id, csv] {
    session.set_command([&session, id, csv] {
      v1::GetInvoiceRequest request;
      request.set_job_id(*id);
      return ShowInvoice(session, request, *csv);
    });
  });
}

}  // namespace limbeck::cli
