#include "tests/e2e/job_run.h"

#include <algorithm>
#include <set>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/clock.h"
#include "base/status.h"

namespace limbeck::testing {
namespace {

using nlohmann::json;

absl::Status Unexpected(const std::vector<std::string>& arguments, const RunResult& result) {
  return absl::InternalError(absl::StrCat("limbeck ", absl::StrJoin(arguments, " "), " ended with ",
                                          result.exit_code, ":\n", result.out, result.err));
}

}  // namespace

absl::StatusOr<std::string> CreateJob(Cluster& cluster, const std::filesystem::path& job_file) {
  const std::vector<std::string> arguments = {"jobs",  "create",   "-f", job_file.string(),
                                              "--yes", "--id-only"};
  LIMBECK_ASSIGN_OR_RETURN(const RunResult result, cluster.Limbeck(arguments));
  if (result.exit_code != 0) return Unexpected(arguments, result);
  return std::string(absl::StripAsciiWhitespace(result.out));
}

absl::StatusOr<json> LimbeckJson(Cluster& cluster, std::vector<std::string> arguments) {
  arguments.push_back("--json");
  LIMBECK_ASSIGN_OR_RETURN(const RunResult result, cluster.Limbeck(arguments));
  json parsed = json::parse(result.out, nullptr, /*allow_exceptions=*/false);
  if (result.exit_code != 0 || parsed.is_discarded()) return Unexpected(arguments, result);
  return parsed;
}

absl::StatusOr<json> GetJob(Cluster& cluster, const std::string& id) {
  return LimbeckJson(cluster, {"jobs", "get", id});
}

absl::StatusOr<int> WaitForJob(Cluster& cluster, const std::string& id, absl::Duration timeout) {
  LIMBECK_ASSIGN_OR_RETURN(const RunResult result,
                           cluster.Limbeck({"jobs", "wait", id, "--exit-status"}, timeout));
  return result.exit_code;
}

absl::StatusOr<json> WaitForState(Cluster& cluster, const std::string& id,
                                  const std::vector<std::string>& states, absl::Duration timeout) {
  absl::StatusOr<json> job = absl::UnknownError("not looked yet");
  const auto came = [&] {
    job = GetJob(cluster, id);
    return !job.ok() ||
           std::find(states.begin(), states.end(), job->value("state", "")) != states.end();
  };
  const bool reached = PollUntil(timeout, came, kSlowPollPause);
  if (job.ok() && !reached) {
    return absl::DeadlineExceededError(absl::StrCat(
        "job did not get to ", absl::StrJoin(states, " or "), ":\n", job->dump(2), cluster.Logs()));
  }
  return job;
}

int64_t Count(const json& message, const char* field) {
  const auto found = message.find(field);
  if (found == message.end()) return 0;
  return found->is_string() ? std::stoll(found->get<std::string>()) : found->get<int64_t>();
}

size_t Excess(const std::vector<InvoiceLine>& invoice) {
  std::set<std::string> keys;
  for (const InvoiceLine& line : invoice) keys.insert(line.key);
  return invoice.size() - keys.size();
}

}  // namespace limbeck::testing
