#include "gateway/batches/batch_run.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/status.h"

namespace limbeck::gateway {
namespace {

// Clocks differ: a batch of ours may look this much older than its record.
constexpr absl::Duration kClockSkew = absl::Hours(1);

Failure FailureOf(FailureClass cls, std::string reason, std::string message, bool billed) {
  Failure failure;
  failure.cls = cls;
  failure.reason = std::move(reason);
  failure.message = std::move(message);
  failure.may_have_been_billed = billed;
  return failure;
}

TeacherConfig NotStreamed(TeacherConfig config) {
  config.stream = false;
  return config;
}

}  // namespace

BatchRun::BatchRun(const BatchTools& tools, BatchCaller* caller, BatchRecord record,
                   std::string text, DeliverResults deliver)
    : tools_(tools),
      whole_(NotStreamed(*tools.config)),
      caller_(caller),
      record_(std::move(record)),
      text_(std::move(text)),
      deliver_(std::move(deliver)),
      stage_(Stage::kUpload),
      backoff_(tools.limits().retry, StableRandom(Xxh3(record_.id), 0)),
      metrics_(tools.registry, tools.config->name),
      settled_(record_.lines.size()) {}

BatchRun::BatchRun(const BatchTools& tools, BatchCaller* caller, BatchRecord record,
                   DeliverResults deliver)
    : BatchRun(tools, caller, std::move(record), "", std::move(deliver)) {
  stage_ = record_.remote_id.empty() ? Stage::kSearch : Stage::kPoll;
}

BatchStep BatchRun::Step() {
  switch (stage_) {
    case Stage::kUpload:
      return Upload();
    case Stage::kCreate:
      return Create();
    case Stage::kSearch:
      return Search();
    case Stage::kPoll:
      return Poll();
    case Stage::kCollect:
      return Collect();
  }
  return {};
}

BatchStep BatchRun::Upload() {
  const BatchApi& api = tools_.api();
  const http::Outcome outcome = Send(api.UploadRequest(*tools_.config, record_.id, text_));
  if (outcome.response.status_code != 200) return After(outcome);
  auto file = api.ReadUpload(outcome.response.body);
  if (!file.ok()) return RetryLater("a batch's file", file.status());
  record_.input_file = *std::move(file);
  // Before it is created, so that a crash between the two is followed by a search.
  if (const absl::Status kept = tools_.store->Create(record_); !kept.ok()) {
    return RetryLater("a batch's record", kept);
  }
  text_ = std::string();
  return Advance(Stage::kCreate);
}

BatchStep BatchRun::Create() {
  if (cancel_wanted_) {
    return SettleAll(FailureOf(FailureClass::kCancelled, "CANCELLED", "never created", false));
  }
  const BatchApi& api = tools_.api();
  const http::Outcome outcome =
      Send(api.CreateRequest(*tools_.config, record_.input_file, record_.tag()));
  if (outcome.delivery == http::Delivery::kNotSent) return After(outcome);
  const int code = outcome.response.status_code;
  absl::StatusOr<BatchStatus> created = absl::UnavailableError("no answer");
  if (code == 200) created = api.ReadBatch(outcome.response.body);
  if (!created.ok()) {
    // What the provider refused it did not create; all else may have been.
    if (code >= 400 && code < 500) return After(outcome);
    lookups_ = 0;
    stage_ = Stage::kSearch;
    return After(outcome);
  }
  record_.remote_id = created->id;
  metrics_.created.Add();
  LIMBECK_LOG(INFO) << "batch created" << LogField("batch", record_.id)
                    << LogField("remote", record_.remote_id)
                    << LogField("lines", record_.lines.size());
  stage_ = Stage::kPoll;
  // Should this fail, a restart searches.
  if (const absl::Status kept = tools_.store->Update(record_); !kept.ok()) {
    return RetryLater("a batch's record", kept);
  }
  return Again(tools_.limits().poll);
}

absl::StatusOr<std::optional<BatchStatus>> BatchRun::FindByTag() {
  const BatchApi& api = tools_.api();
  std::string after;
  for (size_t page = 0; page < tools_.limits().max_lookup_pages; ++page) {
    const http::Outcome outcome = Send(api.ListRequest(*tools_.config, after));
    if (!outcome.status.ok()) return outcome.status;
    if (outcome.response.status_code != 200) {
      return absl::UnavailableError(absl::StrCat("status ", outcome.response.status_code));
    }
    LIMBECK_ASSIGN_OR_RETURN(BatchPage list, api.ReadPage(outcome.response.body));
    for (BatchStatus& batch : list.batches) {
      if (batch.tag == record_.tag()) {
        if (batch.id.empty()) return absl::InvalidArgumentError("the batch cannot be read");
        return std::optional<BatchStatus>(std::move(batch));
      }
      if (batch.id.empty()) continue;
      const bool dated = batch.created > absl::UnixEpoch();
      if (dated && batch.created < record_.created - kClockSkew)
        return std::optional<BatchStatus>();
    }
    if (list.after.empty()) return std::optional<BatchStatus>();
    after = std::move(list.after);
  }
  return absl::ResourceExhaustedError(
      absl::StrCat("not among the newest ", tools_.limits().max_lookup_pages, " pages"));
}

BatchStep BatchRun::Search() {
  const auto found = FindByTag();
  if (!found.ok()) {
    if (PatienceIsOver()) return GiveUp("the provider's list of batches cannot be read");
    return RetryLater("the search for a batch", found.status());
  }
  if (found->has_value()) {
    record_.remote_id = (*found)->id;
    if (const absl::Status kept = tools_.store->Update(record_); !kept.ok()) {
      return RetryLater("a batch's record", kept);
    }
    return Advance(Stage::kPoll);
  }
  // A creation that is still on its way may show up late.
  if (++lookups_ < tools_.limits().lookups) return Again(tools_.limits().lookup_wait);
  if (!PatienceIsOver()) return Advance(Stage::kCreate);
  return SettleAll(
      FailureOf(FailureClass::kRetryable, "BATCH_LATE", "it was never created", false));
}

BatchStep BatchRun::Poll() {
  const BatchApi& api = tools_.api();
  if (!cancelled_ && (cancel_wanted_ || PatienceIsOver())) {
    const http::Outcome outcome = Send(api.CancelRequest(*tools_.config, record_.remote_id));
    // A batch that has ended meanwhile cannot be cancelled, which is just as well.
    cancelled_ = outcome.status.ok() && outcome.response.status_code < 500;
  }
  const http::Outcome outcome = Send(api.StatusRequest(*tools_.config, record_.remote_id));
  if (outcome.response.status_code == 404) return NotFound("the provider does not know the batch");
  const BatchLimits& limits = tools_.limits();
  const bool lost = tools_.clock->WallNow() > record_.created + limits.patience + limits.grace;
  if (outcome.response.status_code != 200) {
    return lost ? GiveUp("its status cannot be read") : After(outcome);
  }
  auto status = api.ReadBatch(outcome.response.body);
  if (!status.ok()) return RetryLater("a batch's status", status.status());
  backoff_.Reset();
  switch (status->phase) {
    case BatchStatus::Phase::kUnderWay:
      return lost ? GiveUp(absl::StrCat("it is still ", status->raw)) : Again(limits.poll);
    case BatchStatus::Phase::kFailed:
      return Failed(*status);
    case BatchStatus::Phase::kCompleted:
    case BatchStatus::Phase::kExpired:
    case BatchStatus::Phase::kCancelled:
      status_ = *std::move(status);
      return Advance(Stage::kCollect);
  }
  return {};
}

BatchStep BatchRun::Failed(const BatchStatus& status) {
  if (tools_.api().HadNoRoom(status) && !cancel_wanted_ && !PatienceIsOver()) {
    ++record_.attempt;
    record_.remote_id.clear();
    if (const absl::Status kept = tools_.store->Update(record_); !kept.ok()) {
      --record_.attempt;
      record_.remote_id = status.id;
      return RetryLater("a batch's record", kept);
    }
    LIMBECK_LOG(WARNING) << "the account has too many tokens waiting in batches; trying again later"
                         << LogField("batch", record_.id);
    stage_ = Stage::kCreate;
    return Again(tools_.limits().park);
  }
  std::vector<BatchResult> refused;
  for (const BatchFault& fault : status.faults) {
    if (fault.line == 0 || fault.line > record_.lines.size()) continue;
    refused.push_back({fault.line - 1, {}});
    refused.back().outcome.result =
        FailureOf(FailureClass::kBadRequest, fault.code, fault.message, false);
  }
  if (!refused.empty()) {
    if (const absl::Status kept = Deliver(std::move(refused)); !kept.ok()) {
      return RetryLater("a batch's lines", kept);
    }
    return SettleAll(FailureOf(FailureClass::kRetryable, "BATCH_FAILED",
                               "other lines of its batch are faulty", false));
  }
  const std::string why = status.faults.empty()
                              ? "without a reason"
                              : absl::StrCat(status.faults[0].code, ": ", status.faults[0].message);
  return SettleAll(FailureOf(FailureClass::kStopTeacher, "BATCH_FAILED",
                             absl::StrCat("the provider refused a batch: ", why), false));
}

BatchStep BatchRun::NotFound(std::string_view reason) {
  if (++lookups_ >= tools_.limits().lookups) return GiveUp(reason);
  return Again(tools_.limits().lookup_wait);
}

BatchStep BatchRun::GiveUp(std::string_view reason) {
  LIMBECK_LOG(ERROR) << "a batch is lost; what may have been billed counts as spent"
                     << LogField("batch", record_.id) << LogField("remote", record_.remote_id)
                     << LogField("why", reason);
  return SettleAll(FailureOf(FailureClass::kRetryable, "BATCH_LOST", std::string(reason), true));
}

BatchStep BatchRun::SettleAll(const Failure& failure) {
  std::vector<BatchResult> results;
  for (size_t line = 0; line < record_.lines.size(); ++line) {
    results.push_back({line, {}});
    results.back().outcome.result = failure;
  }
  absl::Status kept = Deliver(std::move(results));
  if (kept.ok()) kept = tools_.store->Delete(record_);
  if (!kept.ok()) return RetryLater("a batch's lines", kept);
  BatchStep step;
  step.ended = true;
  return step;
}

http::Outcome BatchRun::Send(http::Request request) {
  request.total_timeout = tools_.limits().transfer_timeout;
  return caller_->Call(std::move(request));
}

BatchStep BatchRun::After(const http::Outcome& outcome) {
  Failure failure = outcome.status.ok()
                        ? ClassifyError(outcome.response, ParseErrorBody(outcome.response.body),
                                        tools_.clock->WallNow())
                        : ClassifyDelivery(outcome);
  BatchStep step;
  step.wait = std::max(backoff_.Next(), failure.wait_hint.value_or(absl::ZeroDuration()));
  LIMBECK_LOG(WARNING) << "a request about a batch failed" << LogField("batch", record_.id)
                       << LogField("reason", failure.reason) << LogField("why", failure.message);
  // Not about a row: nothing of it can be asked before someone looks.
  if (failure.cls == FailureClass::kStopTeacher || failure.cls == FailureClass::kBadRequest ||
      failure.cls == FailureClass::kRefused) {
    failure.cls = FailureClass::kStopTeacher;
    step.stopped = std::move(failure);
  }
  return step;
}

BatchStep BatchRun::Again(absl::Duration wait) const {
  BatchStep step;
  step.wait = wait;
  return step;
}

BatchStep BatchRun::RetryLater(std::string_view what, const absl::Status& why) {
  LIMBECK_LOG(WARNING) << what << " must wait" << LogField("batch", record_.id)
                       << LogField("why", why);
  return Again(backoff_.Next());
}

BatchStep BatchRun::Advance(Stage stage) {
  stage_ = stage;
  lookups_ = 0;
  backoff_.Reset();
  return Again(absl::ZeroDuration());
}

bool BatchRun::PatienceIsOver() const {
  return tools_.clock->WallNow() > record_.created + tools_.limits().patience;
}

}  // namespace limbeck::gateway
