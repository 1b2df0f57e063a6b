#include "CLI/CLI.hpp"
#include "base/status.h"
#include "cli/commands.h"
#include "cli/exit_codes.h"
#include "cli/print.h"
#include "cli/session.h"

namespace limbeck::cli {
namespace {

// Reads every byte of the cache.
constexpr absl::Duration kVerifyTimeout = absl::Hours(6);

absl::StatusOr<int> VerifyAll(Session& session) {
  LIMBECK_ASSIGN_OR_RETURN(auto* stub, session.Cache());
  LIMBECK_ASSIGN_OR_RETURN(const auto result, Call(stub, &v1::CacheService::Stub::VerifyCache,
                                                   v1::VerifyCacheRequest(), kVerifyTimeout));
  std::ostream& out = session.io().out;
  if (session.options().json) {
    LIMBECK_RETURN_IF_ERROR(PrintJson(result, out));
  } else {
    out << FormatCount(result.records_checked()) << " records and "
        << FormatCount(result.packs_checked()) << " packs checked, " << result.damaged_size()
        << " damaged\n";
    for (const auto& name : result.damaged()) out << "  " << name << '\n';
    out << std::flush;
  }
  return result.damaged().empty() ? kExitOk : kExitFailure;
}

}  // namespace

void AddCacheVerify(CLI::App& cache, Session& session) {
  CLI::App* command = cache.add_subcommand(
      "verify", "Read every record and pack and check it against its checksum");
  command->footer(
      "Example:\n"
      "  limbeck cache verify\n\n"
      "Exit status: 0 all sound, 1 something is damaged or the cache could not be reached.");
  command->callback([&session] { session.set_command([&session] { return VerifyAll(session); }); });
}

}  // namespace limbeck::cli
