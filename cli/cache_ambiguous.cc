#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "CLI/CLI.hpp"
#include "absl/strings/str_join.h"
#include "base/hash.h"
#include "base/status.h"
#include "cli/commands.h"
#include "cli/exit_codes.h"
#include "cli/pages.h"
#include "cli/print.h"

namespace limbeck::cli {
namespace {

absl::StatusOr<int> ListAmbiguousCalls(Session& session, const std::string& account,
                                       uint64_t limit) {
  LIMBECK_ASSIGN_OR_RETURN(auto* stub, session.Cache());
  v1::ListAmbiguousRequest request;
  request.set_account(account);
  LIMBECK_ASSIGN_OR_RETURN(
      auto response,
      ReadPages(stub, &v1::CacheService::Stub::ListAmbiguous, request, limit,
                [](v1::ListAmbiguousResponse* page) { return page->mutable_calls(); }));
  if (session.options().json) {
    LIMBECK_RETURN_IF_ERROR(PrintJson(response, session.io().out));
    return kExitOk;
  }
  std::vector<std::vector<std::string>> rows;
  for (const auto& call : response.calls()) {
    rows.push_back({FormatTime(call.time()), FormatUsd(call.micro_usd()),
                    absl::StrJoin(call.accounts(), ","), HexEncode(call.key()).substr(0, 16),
                    call.note()});
  }
  PrintTable({"TIME", "COUNTED", "ACCOUNTS", "KEY", "NOTE"}, rows, session.io().out);
  return kExitOk;
}

}  // namespace

void AddCacheAmbiguous(CLI::App& cache, Session& session) {
  auto account = std::make_shared<std::string>();
  auto limit = std::make_shared<uint64_t>(100);
  CLI::App* command =
      cache.add_subcommand("ambiguous", "List calls whose outcome is unknown; they count as spent");
  command->add_option("--account", *account, "Only of this account: job/ID or team/NAME");
  command->add_option("--limit", *limit, "At most this many; 0 for all")->capture_default_str();
  command->footer(
      "Example:\n"
      "  limbeck cache ambiguous --account job/job-0123456789abcdef\n\n"
      "Exit status: 0 listed, 1 the cache could not be reached.");
  command->callback([&session, account, limit] {
    session.set_command(
        [&session, account, limit] { return ListAmbiguousCalls(session, *account, *limit); });
  });
}

}  // namespace limbeck::cli
