// From a job file to a quote and a created job; shared by `jobs create` and `estimate`.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "cli/session.h"
#include "limbeck/v1/distillation_service.pb.h"

namespace limbeck::cli {

struct PreparedJob {
  v1::JobSpec spec;  // Datasets uploaded, ids filled in.
  v1::Quote quote;
};

// Loads the job file, uploads datasets that the service does not know and asks for a quote. Says
// what it uploads on the error stream.
absl::StatusOr<PreparedJob> PrepareJob(Session& session, const std::string& job_file);

// The quote as a small table.
void PrintQuote(const v1::Quote& quote, std::ostream& out);

// OK when the service would take the job and its upper bound is at most `max_micro_usd`.
// FAILED_PRECONDITION with one reason a line otherwise.
absl::Status CheckQuote(const v1::Quote& quote, std::optional<int64_t> max_micro_usd);

// Creates the job; with `validate_only` checks everything and creates nothing.
absl::StatusOr<v1::DistillationJob> CreateJob(Session& session, const PreparedJob& job,
                                              const std::string& request_id, bool validate_only);

}  // namespace limbeck::cli
