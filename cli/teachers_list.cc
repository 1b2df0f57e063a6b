#include <memory>
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

std::string Capability(const v1::Teacher& teacher) {
  if (!teacher.has_capability()) return "not probed";
  const auto& seen = teacher.capability();
  std::string text = EnumName(v1::Support_Name(seen.support()), "SUPPORT_");
  if (seen.support() == v1::SUPPORT_TOP_K) {
    absl::StrAppend(&text, " up to ", seen.max_top_logprobs());
  }
  absl::StrAppend(
      &text, absl::FormatTime(", seen %Y-%m-%d", absl::FromUnixSeconds(seen.probe_time().seconds()),
                              absl::UTCTimeZone()));
  if (!seen.retires_on().empty()) absl::StrAppend(&text, ", retires ", seen.retires_on());
  return text;
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
                    FormatUsd(teacher.output_micro_usd_per_million()),
                    teacher.trainable() ? teacher.training_use_basis() : "no",
                    Capability(teacher)});
  }
  PrintTable({"TEACHER", "KIND", "MODEL", "HOST", "IN/1M", "OUT/1M", "TRAINABLE", "SUPPORT"}, rows,
             session.io().out);
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
      "Exit status: 0 listed, 1 the service could not be reached.");
  command->callback([&session, trainable] {
    session.set_command(
        [&session, trainable] { return ListConfiguredTeachers(session, *trainable); });
  });
}

}  // namespace limbeck::cli
