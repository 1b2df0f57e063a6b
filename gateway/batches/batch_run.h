// One batch from its file to its last settled line, step by step.
//
//   store the file → record → create ⇄ search → poll → read the results → settle → forget
//
// The record is durable before the batch is created and until every line is settled, so that a
// crash at any moment is followed by a search or a poll and never by a second purchase.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "base/backoff.h"
#include "gateway/batches/batch_caller.h"
#include "gateway/batches/batch_metrics.h"
#include "gateway/batches/batch_record.h"
#include "gateway/batches/batch_tools.h"
#include "gateway/batches/reconciler.h"
#include "gateway/dispatch/call.h"
#include "gateway/teachers/failure.h"

namespace limbeck::gateway {

// How the line of that number ended.
struct BatchResult {
  size_t line = 0;
  CallOutcome outcome;
};

// Settles lines; OK once they are durable. Lines may be given again after an error or a restart.
using DeliverResults =
    std::function<absl::Status(const BatchRecord& record, std::vector<BatchResult> results)>;

struct BatchStep {
  // Every line is settled and the record gone.
  bool ended = false;
  // When to come again.
  absl::Duration wait;
  // Nothing will go on before the operator acts: key, money, permission.
  std::optional<Failure> stopped;
};

// One thread.
class BatchRun {
 public:
  // A batch to be made of `text`, whose lines the record lists. Borrows tools and caller.
  BatchRun(const BatchTools& tools, BatchCaller* caller, BatchRecord record, std::string text,
           DeliverResults deliver);
  // One that an earlier process recorded.
  BatchRun(const BatchTools& tools, BatchCaller* caller, BatchRecord record,
           DeliverResults deliver);

  // Does what is to be done now. Blocks for requests and for settling.
  BatchStep Step();

  // The next step has the provider cancel the batch; what was answered by then is still read.
  void Cancel() { cancel_wanted_ = true; }
  // Whether the batch may be at the provider: a later process will find its record.
  bool recorded() const { return stage_ != Stage::kUpload; }
  const BatchRecord& record() const { return record_; }

 private:
  enum class Stage { kUpload, kCreate, kSearch, kPoll, kCollect };

  BatchStep Upload();
  BatchStep Create();
  BatchStep Search();
  BatchStep Poll();
  // Of a batch that failed as a whole.
  BatchStep Failed(const BatchStatus& status);
  BatchStep Collect();
  absl::Status ReadResults(const std::string& path, Reconciler* reconciler);
  absl::Status SettleMissing(Reconciler* reconciler);
  http::Outcome Download(const std::string& file, const std::string& path);
  // The provider does not know the batch or its results: it may know them in a moment.
  BatchStep NotFound(std::string_view reason);
  BatchStep GiveUp(std::string_view reason);

  http::Outcome Send(http::Request request);
  // What follows from a request that gave no usable answer.
  BatchStep After(const http::Outcome& outcome);
  BatchStep Again(absl::Duration wait) const;
  BatchStep RetryLater(std::string_view what, const absl::Status& why);
  BatchStep Advance(Stage stage);
  absl::StatusOr<std::optional<BatchStatus>> FindByTag();
  bool PatienceIsOver() const;

  CallOutcome OutcomeOf(const BatchLine& line,
                        std::variant<http::Response, BatchFault> result) const;
  absl::Status Deliver(std::vector<BatchResult> results);
  BatchStep SettleAll(const Failure& failure);

  const BatchTools& tools_;
  const TeacherConfig whole_;  // The teacher, not streamed.
  BatchCaller* const caller_;
  BatchRecord record_;
  std::string text_;
  const DeliverResults deliver_;
  Stage stage_;
  Backoff backoff_;
  BatchMetrics metrics_;
  uint32_t lookups_ = 0;  // Without success, in this stage.
  bool cancel_wanted_ = false;
  bool cancelled_ = false;
  BatchStatus status_;         // Once it has ended.
  std::vector<bool> settled_;  // By line, in this process.
};

}  // namespace limbeck::gateway
