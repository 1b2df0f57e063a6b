// The last part of BatchRun: from the provider's files of results to settled lines.
#include <filesystem>
#include <fstream>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/file.h"
#include "base/log.h"
#include "base/status.h"
#include "gateway/batches/batch_run.h"
#include "gateway/teachers/believed_usage.h"
#include "gateway/templates/rows/byte_source.h"
#include "gateway/templates/rows/record_splitter.h"

namespace limbeck::gateway {
namespace {

constexpr size_t kReadBufferBytes = 256u << 10;

// Removed at the end of its life.
class SpoolFile {
 public:
  explicit SpoolFile(const std::filesystem::path& path) : path_(path.string()) {}
  ~SpoolFile() {
    std::error_code ignored;
    std::filesystem::remove(path_, ignored);
  }
  SpoolFile(const SpoolFile&) = delete;
  SpoolFile& operator=(const SpoolFile&) = delete;
  const std::string& path() const { return path_; }

 private:
  const std::string path_;
};

size_t BytesOf(const std::variant<http::Response, BatchFault>& result) {
  const auto* response = std::get_if<http::Response>(&result);
  return response == nullptr ? 0 : response->body.size();
}

}  // namespace

BatchStep BatchRun::Collect() {
  Reconciler reconciler(record_.lines, tools_.api());
  if (const absl::Status made = MakeDirectories(tools_.spool); !made.ok()) {
    return RetryLater("a batch's results", made);
  }
  for (const std::string& file : status_.results) {
    const SpoolFile spool(tools_.spool / absl::StrCat(record_.id, ".jsonl"));
    const http::Outcome outcome = Download(file, spool.path());
    if (outcome.response.status_code == 404) return NotFound("its results are gone");
    if (!outcome.status.ok() || outcome.response.status_code != 200) return After(outcome);
    if (const absl::Status read = ReadResults(spool.path(), &reconciler); !read.ok()) {
      return RetryLater("a batch's results", read);
    }
  }
  absl::Status kept = SettleMissing(&reconciler);
  if (kept.ok()) kept = tools_.store->Delete(record_);
  if (!kept.ok()) return RetryLater("a batch's results", kept);
  metrics_.Count(reconciler.tally());
  LIMBECK_LOG(INFO) << "batch settled" << LogField("batch", record_.id)
                    << LogField("remote", record_.remote_id) << LogField("status", status_.raw)
                    << LogField("lines", record_.lines.size())
                    << LogField("results", reconciler.tally().ToString());
  BatchStep step;
  step.ended = true;
  return step;
}

http::Outcome BatchRun::Download(const std::string& file, const std::string& path) {
  std::ofstream out(path, std::ios::binary | std::ios::trunc);
  http::Request request = tools_.api().ResultRequest(*tools_.config, file);
  request.max_response_bytes = tools_.limits().max_result_bytes;
  request.sink = [&out, &path](std::string_view bytes) -> absl::Status {
    if (out.write(bytes.data(), static_cast<std::streamsize>(bytes.size()))) return {};
    return absl::ResourceExhaustedError(absl::StrCat("cannot write ", path));
  };
  http::Outcome outcome = Send(std::move(request));
  out.close();
  if (!out)
    outcome.status.Update(absl::ResourceExhaustedError(absl::StrCat("cannot write ", path)));
  return outcome;
}

absl::Status BatchRun::ReadResults(const std::string& path, Reconciler* reconciler) {
  const BatchLimits& limits = tools_.limits();
  LIMBECK_ASSIGN_OR_RETURN(const auto source, ByteSource::Open(path, kReadBufferBytes));
  RawRecord text;
  std::vector<BatchResult> results;
  size_t bytes = 0;
  while (ReadRecord(*source, RecordKind::kLine, limits.max_line_bytes, text)) {
    if (caller_->stopped()) return absl::CancelledError("stopped");
    if (text.too_long) {
      reconciler->SkipUnreadable();
      continue;
    }
    auto found = reconciler->Take(text.bytes);
    if (!found.has_value() || settled_[found->line]) continue;
    bytes += BytesOf(found->result);
    results.push_back(
        {found->line, OutcomeOf(record_.lines[found->line], std::move(found->result))});
    if (results.size() < limits.deliver_lines && bytes < limits.deliver_bytes) continue;
    LIMBECK_RETURN_IF_ERROR(Deliver(std::exchange(results, {})));
    bytes = 0;
  }
  LIMBECK_RETURN_IF_ERROR(source->status());
  return Deliver(std::move(results));
}

CallOutcome BatchRun::OutcomeOf(const BatchLine& line,
                                std::variant<http::Response, BatchFault> result) const {
  CallOutcome outcome;
  outcome.tries = 1;
  if (const auto* response = std::get_if<http::Response>(&result)) {
    TeacherQuery query;
    query.top_logprobs = line.top_logprobs;
    ParseResult parsed =
        tools_.provider->ParseResponse(whole_, query, *response, tools_.clock->WallNow());
    if (auto* output = std::get_if<cache::SoftOutput>(&parsed)) {
      output->usage = BelievedUsage(*output, true);
      outcome.result = std::move(*output);
    } else {
      outcome.result = std::get<Failure>(std::move(parsed));
    }
    return outcome;
  }
  const auto& fault = std::get<BatchFault>(result);
  Failure failure;
  failure.reason = fault.code.empty() ? "BATCH_LINE_FAILED" : fault.code;
  failure.message = fault.message;
  failure.may_have_been_billed = !tools_.api().WasNotAsked(fault);
  outcome.result = std::move(failure);
  return outcome;
}

absl::Status BatchRun::SettleMissing(Reconciler* reconciler) {
  const std::vector<size_t> missing = reconciler->Missing();
  Failure failure;
  failure.reason = "BATCH_LINE_MISSING";
  failure.message = absl::StrCat("the batch is ", status_.raw, " and holds no result for the line");
  failure.may_have_been_billed = reconciler->MissingMayBeBilled(status_);
  std::vector<BatchResult> results;
  for (const size_t line : missing) {
    results.push_back({line, {}});
    results.back().outcome.result = failure;
  }
  return Deliver(std::move(results));
}

absl::Status BatchRun::Deliver(std::vector<BatchResult> results) {
  std::erase_if(results, [this](const BatchResult& result) { return settled_[result.line]; });
  if (results.empty()) return absl::OkStatus();
  std::vector<size_t> lines;
  for (const BatchResult& result : results) lines.push_back(result.line);
  LIMBECK_RETURN_IF_ERROR(deliver_(record_, std::move(results)));
  for (const size_t line : lines) settled_[line] = true;
  return absl::OkStatus();
}

}  // namespace limbeck::gateway
