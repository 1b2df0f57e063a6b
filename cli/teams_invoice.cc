#include <memory>
#include <string>

#include "CLI/CLI.hpp"
#include "cli/commands.h"
#include "cli/invoice.h"

namespace limbeck::cli {

void AddTeamsInvoice(CLI::App& teams, Session& session) {
  auto name = std::make_shared<std::string>();
  auto month = std::make_shared<std::string>();
  auto csv = std::make_shared<bool>(false);
  CLI::App* command =
      teams.add_subcommand("invoice", "Show what a team's jobs were charged for, to the micro-USD");
  command->add_option("NAME", *name, "The team")->required();
  command->add_option("--month", *month, "Only what was reserved in this month of UTC, YYYY-MM");
  command->add_flag("--csv", *csv, "One line per call instead of sums");
  command->footer(
      "Answers from the cache are counted, not listed; `limbeck jobs invoice` lists them.\n\n"
      "Examples:\n"
      "  limbeck teams invoice default --month 2026-11\n"
      "  limbeck teams invoice default --month 2026-11 --csv > november.csv\n\n"
      "Exit status: 0 shown whole, 1 nothing reserved then, another gateway's team, or cut short,\n"
      "2 no month.");
  command->callback([&session, name, month, csv] {
    session.set_command([&session, name, month, csv] {
      v1::GetInvoiceRequest request;
      request.mutable_team()->set_name(*name);
      request.mutable_team()->set_month(*month);
      return ShowInvoice(session, request, *csv);
    });
  });
}

}  // namespace limbeck::cli
