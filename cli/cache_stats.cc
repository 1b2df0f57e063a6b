#include <string>
#include <vector>

#include "CLI/CLI.hpp"
#include "base/status.h"
#include "cli/commands.h"
#include "cli/exit_codes.h"
#include "cli/print.h"
#include "cli/session.h"

namespace limbeck::cli {
namespace {

// Accounts without a limit of their own have a ceiling that nothing reaches.
std::string Ceiling(int64_t micro_usd) {
  constexpr int64_t kNoLimit = int64_t{1} << 60;
  return micro_usd >= kNoLimit ? "no limit" : FormatUsd(micro_usd);
}

absl::Status PrintStats(const v1::CacheStats& stats, const v1::GetSpendResponse& spend,
                        std::ostream& out) {
  out << "records        " << FormatCount(stats.records()) << ", "
      << FormatBytes(stats.record_bytes()) << '\n'
      << "claims alive   " << FormatCount(stats.claims()) << '\n'
      << "snapshots      " << FormatCount(stats.snapshots()) << " in " << FormatCount(stats.packs())
      << " packs, " << FormatBytes(stats.pack_bytes()) << '\n'
      << "late answers   " << FormatCount(stats.late_records()) << "\n\n";
  std::vector<std::vector<std::string>> rows;
  for (const auto& account : spend.accounts()) {
    rows.push_back({account.name(), FormatUsd(account.spent_micro_usd()),
                    FormatUsd(account.reserved_micro_usd()), Ceiling(account.ceiling_micro_usd()),
                    FormatCount(account.answers_bought()), FormatCount(account.answers_reused()),
                    FormatCount(account.calls_ambiguous())});
  }
  PrintTable({"ACCOUNT", "SPENT", "RESERVED", "CEILING", "BOUGHT", "REUSED", "AMBIGUOUS"}, rows,
             out);
  out << std::flush;
  return absl::OkStatus();
}

absl::StatusOr<int> ShowStats(Session& session) {
  LIMBECK_ASSIGN_OR_RETURN(auto* stub, session.Cache());
  LIMBECK_ASSIGN_OR_RETURN(const auto stats, Call(stub, &v1::CacheService::Stub::GetCacheStats,
                                                  v1::GetCacheStatsRequest()));
  if (session.options().json) {
    LIMBECK_RETURN_IF_ERROR(PrintJson(stats, session.io().out));
    return kExitOk;
  }
  LIMBECK_ASSIGN_OR_RETURN(const auto spend,
                           Call(stub, &v1::CacheService::Stub::GetSpend, v1::GetSpendRequest()));
  LIMBECK_RETURN_IF_ERROR(PrintStats(stats, spend, session.io().out));
  return kExitOk;
}

}  // namespace

void AddCacheStats(CLI::App& cache, Session& session) {
  CLI::App* command = cache.add_subcommand("stats", "Size of the cache and money per account");
  command->footer(
      "Example:\n"
      "  limbeck cache stats --cache 127.0.0.1:7401\n\n"
      "Exit status: 0 shown, 1 the cache could not be reached.");
  command->callback([&session] { session.set_command([&session] { return ShowStats(session); }); });
}

}  // namespace limbeck::cli
