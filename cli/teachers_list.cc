#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "CLI/CLI.hpp"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/status.h"
#include "cli/commands.h"
#include "cli/exit_codes.h"
#include "cli/print.h"
#include "cli/session.h"

namespace limbeck::cli {
namespace {

std::string SupportText(const v1::Teacher& teacher) {
  if (!teacher.has_capability()) return "not known";
  const auto& seen = teacher.capability();
  std::string text = EnumName(v1::Support_Name(seen.support()), "SUPPORT_");
  if (seen.support() == v1::SUPPORT_TOP_K) {
    absl::StrAppend(&text, " up to ", seen.max_top_logprobs());
  }
  if (!seen.retires_on().empty()) absl::StrAppend(&text, ", retires ", seen.retires_on());
  return text;
}

std::string ProbedText(const v1::Teacher& teacher) {
  if (!teacher.has_capability()) return "never";
  return absl::FormatTime("%Y-%m-%d",
                          absl::FromUnixSeconds(teacher.capability().probe_time().seconds()),
                          absl::UTCTimeZone());
}

std::string TrainableText(const v1::Teacher& teacher) {
  if (!teacher.trainable()) return "no";
  return absl::StrCat(teacher.training_use_basis(), ", reviewed ",
                      teacher.training_use_reviewed_on());
}

std::string BatchText(const v1::Teacher& teacher) {
  if (!teacher.sells_by_batch()) return "no";
  return absl::StrCat("at ", teacher.batch_price_percent(), " %");
}

// An older gateway does not say.
std::string StateText(const v1::Teacher& teacher) {
  const v1::TeacherState& state = teacher.state();
  if (!teacher.has_state()) return "not known";
  if (state.has_stop()) return absl::StrCat("stopped: ", state.stop().reason());
  if (state.parked_seconds() > 0) {
    return absl::StrCat("told to wait another ", state.parked_seconds(), " s");
  }
  if (state.circuit_open()) return "failing, asked now and then";
  return "ready";
}

void ShowStops(const v1::ListTeachersResponse& response, std::ostream& out) {
  for (const auto& teacher : response.teachers()) {
    if (!teacher.state().has_stop()) continue;
    out << '\n'
        << teacher.name() << " is stopped: " << teacher.state().stop().message()
        << "\nHave its operator look at key, billing and permissions; resuming a job asks it "
           "again.\n";
  }
  out << std::flush;
}

absl::StatusOr<int> ListConfiguredTeachers(Session& session, bool trainable_only) {
  LIMBECK_ASSIGN_OR_RETURN(auto* stub, session.Teachers());
  v1::ListTeachersRequest request;
  request.set_trainable_only(trainable_only);
  LIMBECK_ASSIGN_OR_RETURN(const auto response,
                           Call(stub, &v1::TeacherService::Stub::ListTeachers, request));
  if (session.options().json) {
    LIMBECK_RETURN_IF_ERROR(PrintJson(response, session.io().out));
    return kExitOk;
  }
  std::vector<std::vector<std::string>> rows;
  for (const auto& teacher : response.teachers()) {
    rows.push_back({teacher.name(), teacher.kind(), teacher.model(), teacher.host(),
                    FormatUsd(teacher.input_micro_usd_per_million()),
                    FormatUsd(teacher.output_micro_usd_per_million()), BatchText(teacher),
                    TrainableText(teacher), SupportText(teacher), ProbedText(teacher),
                    StateText(teacher)});
  }
  PrintTable({"TEACHER", "KIND", "MODEL", "HOST", "IN/1M", "OUT/1M", "BATCH", "TRAINABLE",
              "SUPPORT", "PROBED", "STATE"},
             rows, session.io().out);
  ShowStops(response, session.io().out);
  return kExitOk;
}

}  // namespace

void AddTeachersList(CLI::App& teachers, Session& session) {
  auto trainable = std::make_shared<bool>(false);
  CLI::App* command = teachers.add_subcommand("list", "List the configured teachers");
  command->add_flag("--trainable", *trainable, "Only those that students may be trained on");
  command->footer(
      "Example:\n"
      "  limbeck teachers list --trainable\n\n"
      "BATCH is the price of a batch beside that of calls. STATE is that of the gateway asked: a\n"
      "teacher that refuses service is stopped until a job is resumed.\n"
      "Exit status: 0 listed, 1 the service could not be reached.");
  command->callback([&session, trainable] {
    session.set_command(
        [&session, trainable] { return ListConfiguredTeachers(session, *trainable); });
  });
}

}  // namespace limbeck::cli
