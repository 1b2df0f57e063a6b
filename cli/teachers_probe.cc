#include <memory>
#include <string>

#include "CLI/CLI.hpp"
#include "absl/strings/str_format.h"
#include "base/status.h"
#include "cli/commands.h"
#include "cli/exit_codes.h"
#include "cli/print.h"
#include "cli/session.h"

namespace limbeck::cli {
namespace {

// A teacher may take its whole timeout and be asked again.
constexpr absl::Duration kProbeTimeout = absl::Minutes(10);

absl::StatusOr<int> ProbeOneTeacher(Session& session, const std::string& name) {
  LIMBECK_ASSIGN_OR_RETURN(auto* stub, session.Teachers());
  v1::ProbeTeacherRequest request;
  request.set_name(name);
  LIMBECK_ASSIGN_OR_RETURN(
      const auto seen, Call(stub, &v1::TeacherService::Stub::ProbeTeacher, request, kProbeTimeout));
  std::ostream& out = session.io().out;
  if (session.options().json) {
    LIMBECK_RETURN_IF_ERROR(PrintJson(seen, out));
    return kExitOk;
  }
  out << "model        " << seen.model() << '\n'
      << "support      " << EnumName(v1::Support_Name(seen.support()), "SUPPORT_") << '\n'
      << "candidates   up to " << seen.max_top_logprobs() << " per token\n"
      << "bytes        " << (seen.gives_bytes() ? "yes" : "no") << '\n'
      << "token ids    " << (seen.gives_token_ids() ? "yes" : "no") << '\n'
      << "fingerprint  " << (seen.fingerprint().empty() ? "-" : seen.fingerprint()) << '\n'
      << "took         " << absl::StrFormat("%.2f s", seen.seconds()) << std::endl;
  return kExitOk;
}

}  // namespace

void AddTeachersProbe(CLI::App& teachers, Session& session) {
  auto name = std::make_shared<std::string>();
  CLI::App* command =
      teachers.add_subcommand("probe", "Ask a teacher one short question and report what it gives");
  command->add_option("NAME", *name, "The teacher, as `limbeck teachers list` names it")
      ->required();
  command->footer(
      "Example:\n"
      "  limbeck teachers probe my-teacher\n\n"
      "Costs one call. Exit status: 0 it answered, 1 it did not.");
  command->callback([&session, name] {
    session.set_command([&session, name] { return ProbeOneTeacher(session, *name); });
  });
}

}  // namespace limbeck::cli
