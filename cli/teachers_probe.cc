#include <memory>
#include <string>

#include "CLI/CLI.hpp"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/status.h"
#include "cli/commands.h"
#include "cli/exit_codes.h"
#include "cli/print.h"
#include "cli/session.h"

namespace limbeck::cli {
namespace {

// Every call of a probe may take its whole timeout.
constexpr absl::Duration kProbeTimeout = absl::Minutes(15);

struct ProbeFlags {
  std::string name;
  std::string max_usd;
  bool yes = false;
};

const char* Known(bool known, bool value) {
  if (!known) return "not known";
  return value ? "yes" : "no";
}

const char* StageText(v1::LogprobStage stage) {
  switch (stage) {
    case v1::LOGPROB_STAGE_BEFORE_TEMPERATURE:
      return "the model's own, before temperature";
    case v1::LOGPROB_STAGE_AFTER_TEMPERATURE:
      return "after temperature";
    default:
      return "not known";
  }
}

std::string RetiresText(const v1::TeacherCapability& seen) {
  if (!seen.has_retires_on()) return "not known";
  return seen.retires_on().empty() ? "no date announced" : seen.retires_on();
}

void Show(const v1::TeacherCapability& seen, std::ostream& out) {
  const auto line = [&out](std::string_view name, const auto& value) {
    out << absl::StrFormat("%-16s", std::string(name)) << value << '\n';
  };
  line("model", seen.model().empty() ? "-" : seen.model());
  line("fingerprint", seen.fingerprint().empty() ? "-" : seen.fingerprint());
  line("support", EnumName(v1::Support_Name(seen.support()), "SUPPORT_"));
  line("candidates", absl::StrFormat("up to %d per token", seen.max_top_logprobs()));
  line("bytes", Known(seen.has_gives_bytes(), seen.gives_bytes()));
  line("token ids", Known(seen.has_gives_token_ids(), seen.gives_token_ids()));
  line("chosen listed", Known(seen.has_lists_chosen_token(), seen.lists_chosen_token()));
  line("logprobs", StageText(seen.logprob_stage()));
  line("repeats at 0", Known(seen.has_repeats_at_zero(), seen.repeats_at_zero()));
  line("seed", Known(seen.has_honours_seed(), seen.honours_seed()));
  line("scores text", Known(seen.has_scores_continuation(), seen.scores_continuation()));
  line("JSON schema", Known(seen.has_follows_schema(), seen.follows_schema()));
  line("choices", Known(seen.has_holds_to_choices(), seen.holds_to_choices()));
  line("several answers", Known(seen.has_gives_several_answers(), seen.gives_several_answers()));
  line("rate headers", Known(seen.has_gives_rate_headers(), seen.gives_rate_headers()));
  for (const v1::RateHeader& header : seen.rate_headers()) {
    line(header.has_limit() ? "  limit" : "", absl::StrCat(header.name(), ": ", header.value()));
  }
  line("retires", RetiresText(seen));
  line("took", absl::StrFormat("%.2f s for the first answer", seen.seconds()));
  line("cost", absl::StrFormat("%s for %d calls", FormatUsd(seen.micro_usd()), seen.calls()));
  for (const std::string& note : seen.notes()) line("note", note);
  out << std::flush;
}

// Whether the person at the terminal agrees to the plan.
absl::Status AskToProbe(Session& session, const ProbeFlags& flags, v1::TeacherService::Stub* stub) {
  v1::PlanTeacherProbeRequest request;
  request.set_name(flags.name);
  LIMBECK_ASSIGN_OR_RETURN(const auto plan,
                           Call(stub, &v1::TeacherService::Stub::PlanTeacherProbe, request));
  if (plan.max_micro_usd() == 0) return absl::OkStatus();
  const Io& io = session.io();
  if (!io.in_is_terminal) {
    return absl::InvalidArgumentError(
        "nobody to ask whether to buy; pass --yes, with --max-usd for a limit");
  }
  io.err << "Ask " << flags.name << ' ' << plan.calls() << " short questions for up to "
         << FormatUsd(plan.max_micro_usd()) << "? [y/N] " << std::flush;
  std::string answer;
  std::getline(io.in, answer);
  answer = absl::AsciiStrToLower(answer);
  if (answer == "y" || answer == "yes") return absl::OkStatus();
  return absl::CancelledError("the teacher was not asked");
}

absl::StatusOr<int> ProbeOneTeacher(Session& session, const ProbeFlags& flags) {
  LIMBECK_ASSIGN_OR_RETURN(auto* stub, session.Teachers());
  v1::ProbeTeacherRequest request;
  request.set_name(flags.name);
  if (!flags.max_usd.empty()) {
    LIMBECK_ASSIGN_OR_RETURN(const int64_t ceiling, ParseUsd(flags.max_usd));
    request.set_max_micro_usd(ceiling);
  }
  if (!flags.yes) LIMBECK_RETURN_IF_ERROR(AskToProbe(session, flags, stub));
  LIMBECK_ASSIGN_OR_RETURN(
      const auto seen, Call(stub, &v1::TeacherService::Stub::ProbeTeacher, request, kProbeTimeout));
  if (session.options().json) {
    LIMBECK_RETURN_IF_ERROR(PrintJson(seen, session.io().out));
  } else {
    Show(seen, session.io().out);
  }
  return kExitOk;
}

}  // namespace

void AddTeachersProbe(CLI::App& teachers, Session& session) {
  auto flags = std::make_shared<ProbeFlags>();
  CLI::App* command = teachers.add_subcommand(
      "probe", "Ask a teacher a few short questions and keep, with the date, what it gives");
  command->add_option("NAME", flags->name, "The teacher, as `limbeck teachers list` names it")
      ->required();
  command->add_option("--max-usd", flags->max_usd,
                      "Ask nothing when the upper bound is above this (default: 0.05)");
  command->add_flag("--yes,-y", flags->yes, "Do not ask before spending");
  command->footer(
      "Examples:\n"
      "  limbeck teachers probe my-teacher\n"
      "  limbeck teachers probe my-teacher --yes --max-usd 0.02 --json\n\n"
      "Finds out how much of its distribution the teacher shows, whether seeds, JSON schemas and\n"
      "lists of answers are honoured, whether it can score a given text, whether one call gives\n"
      "several answers, what its headers say of its limits, and when the provider retires the\n"
      "model. Jobs are checked against the result, never against the model's name.\n"
      "Exit status: 0 it answered, 1 it did not, 2 wrong use.");
  command->callback([&session, flags] {
    session.set_command([&session, flags] { return ProbeOneTeacher(session, *flags); });
  });
}

}  // namespace limbeck::cli
