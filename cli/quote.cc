#include "cli/quote.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/status.h"
#include "cli/dataset_upload.h"
#include "cli/job_file.h"
#include "cli/print.h"

namespace limbeck::cli {
namespace {

// Quoting and creating read every row and look every query up in the cache: a minute or two a
// million.
constexpr absl::Duration kQuoteTimeout = absl::Hours(2);

absl::Status Upload(Session& session, const std::string& job_file, v1::DatasetRef* dataset) {
  if (dataset->path().empty()) return absl::OkStatus();
  const auto path = ResolveBeside(job_file, dataset->path());
  auto result = UploadDataset(session, path);
  LIMBECK_RETURN_IF_ERROR(Annotate(result.status(), path.string()));
  if (!result->known) {
    session.io().err << "uploaded " << path.string() << ": " << FormatCount(result->dataset.rows())
                     << " rows\n";
  }
  dataset->set_id(result->dataset.id());
  return absl::OkStatus();
}

std::string Range(uint64_t low, uint64_t high) {
  return low == high ? FormatCount(low) : absl::StrCat(FormatCount(low), " to ", FormatCount(high));
}

}  // namespace

absl::StatusOr<PreparedJob> PrepareJob(Session& session, const std::string& job_file) {
  PreparedJob job;
  LIMBECK_ASSIGN_OR_RETURN(job.spec, LoadJobFile(job_file));
  v1::DataSpec* data = job.spec.mutable_data();
  LIMBECK_RETURN_IF_ERROR(Upload(session, job_file, data->mutable_train()));
  if (data->has_held_out()) {
    LIMBECK_RETURN_IF_ERROR(Upload(session, job_file, data->mutable_held_out()));
  }
  if (data->expansion().few_shot().has_pool()) {
    LIMBECK_RETURN_IF_ERROR(
        Upload(session, job_file, data->mutable_expansion()->mutable_few_shot()->mutable_pool()));
  }
  LIMBECK_ASSIGN_OR_RETURN(auto* stub, session.Jobs());
  v1::QuoteDistillationJobRequest request;
  *request.mutable_spec() = job.spec;
  LIMBECK_ASSIGN_OR_RETURN(
      job.quote,
      Call(stub, &v1::DistillationService::Stub::QuoteDistillationJob, request, kQuoteTimeout));
  return job;
}

void PrintQuote(const v1::Quote& quote, std::ostream& out) {
  out << "rows             " << FormatCount(quote.rows()) << '\n'
      << "queries          " << FormatCount(quote.queries()) << ", distinct "
      << FormatCount(quote.distinct_queries()) << '\n'
      << "in the cache     " << FormatCount(quote.cached()) << '\n'
      << "to buy           " << FormatCount(quote.to_buy()) << '\n'
      << "input tokens     " << Range(quote.input_tokens_low(), quote.input_tokens_high()) << '\n'
      << "output tokens    " << Range(quote.output_tokens_low(), quote.output_tokens_high())
      << ", at most " << FormatCount(quote.output_tokens()) << '\n'
      << "estimated from   "
      << (quote.fitted_calls() > 0
              ? absl::StrCat(FormatCount(quote.fitted_calls()), " earlier calls to the teacher")
              : std::string("defaults: too few earlier calls to this teacher"))
      << '\n'
      << "cost             " << FormatUsd(quote.low_micro_usd()) << " to "
      << FormatUsd(quote.estimate_high_micro_usd()) << ", likely "
      << FormatUsd(quote.likely_micro_usd()) << '\n'
      << "upper bound      " << FormatUsd(quote.high_micro_usd()) << '\n';
  if (!quote.time_limit().empty()) {
    out << "time             " << FormatSeconds(quote.seconds_low()) << " to "
        << FormatSeconds(quote.seconds_high()) << ", set by " << quote.time_limit() << '\n';
  }
  if (quote.to_buy() == 0 && quote.queries() > 0) {
    out << "100 % cache hits: there is nothing to buy\n";
  }
  if (!quote.allowed()) out << "would be refused:\n";
  for (const auto& reason : quote.reasons()) out << "  " << reason << '\n';
  out << std::flush;
}

absl::Status CheckQuote(const v1::Quote& quote, std::optional<int64_t> max_micro_usd) {
  if (!quote.allowed()) {
    return absl::FailedPreconditionError(absl::StrCat("the job would be refused",
                                                      quote.reasons().empty() ? "" : ": ",
                                                      absl::StrJoin(quote.reasons(), "; ")));
  }
  if (max_micro_usd.has_value() && quote.high_micro_usd() > *max_micro_usd) {
    return absl::FailedPreconditionError(
        absl::StrCat("the job may cost up to ", FormatUsd(quote.high_micro_usd()),
                     ", more than --max-usd ", FormatUsd(*max_micro_usd)));
  }
  return absl::OkStatus();
}

absl::StatusOr<v1::DistillationJob> CreateJob(Session& session, const PreparedJob& job,
                                              const std::string& request_id, bool validate_only) {
  LIMBECK_ASSIGN_OR_RETURN(auto* stub, session.Jobs());
  v1::CreateDistillationJobRequest request;
  *request.mutable_spec() = job.spec;
  request.set_request_id(request_id);
  request.set_validate_only(validate_only);
  request.set_quote_id(job.quote.id());
  return Call(stub, &v1::DistillationService::Stub::CreateDistillationJob, request, kQuoteTimeout);
}

}  // namespace limbeck::cli
