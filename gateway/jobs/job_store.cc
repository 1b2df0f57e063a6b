#include "gateway/jobs/job_store.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/hash.h"
#include "base/status.h"
#include "gateway/jobs/deterministic_bytes.h"
#include "gateway/jobs/job_keys.h"
#include "gateway/jobs/job_phases.h"
#include "gateway/jobs/proto_time.h"
#include "gateway/jobs/state_machine.h"

namespace limbeck::gateway {
namespace {

constexpr std::string_view kIncarnationKey = "incarnation";
// A changed job that loses the race to another change is tried again this often.
constexpr int kMaxUpdateTries = 100;

template <typename Message>
absl::StatusOr<Message> Parse(std::string_view what, const std::string& bytes) {
  Message message;
  if (!message.ParseFromString(bytes)) {
    return absl::DataLossError(absl::StrCat("damaged entry of ", ToAbsl(what)));
  }
  return message;
}

template <typename Message>
absl::StatusOr<std::optional<Message>> GetMessage(const kv::Engine& engine, std::string_view table,
                                                  const std::string& key) {
  LIMBECK_ASSIGN_OR_RETURN(std::optional<std::string> bytes, engine.Get(table, key));
  if (!bytes.has_value()) return std::optional<Message>();
  LIMBECK_ASSIGN_OR_RETURN(Message message, Parse<Message>(table, *bytes));
  return std::optional<Message>(std::move(message));
}

// Messages are compared and replaced byte by byte, which map-free messages allow.
template <typename Message>
absl::Status PutMessage(kv::Engine& engine, std::string_view table, const std::string& key,
                        const Message& message) {
  kv::WriteBatch batch;
  batch.Put(table, key, message.SerializeAsString());
  return engine.Write(batch);
}

bool IsPlainProgress(const v1::JobEvent& event) { return event.message().empty(); }

}  // namespace

std::vector<std::string> JobStore::Tables() {
  return {std::string(kJobsTable),          std::string(kJobsByTimeTable),
          std::string(kJobRequestsTable),   std::string(kJobEventsTable),
          std::string(kJobRejectionsTable), std::string(kJobMarksTable),
          std::string(kJobPlansTable),      std::string(kJobReportsTable),
          std::string(kGatewayMetaTable)};
}

JobStore::JobStore(kv::Engine* engine, Clock* clock) : engine_(engine), clock_(clock) {}

absl::StatusOr<uint64_t> JobStore::NextIncarnation() {
  LIMBECK_ASSIGN_OR_RETURN(const std::optional<std::string> before,
                           engine_->Get(kGatewayMetaTable, kIncarnationKey));
  uint64_t number = 0;
  if (before.has_value()) {
    std::string_view rest = *before;
    if (!kv::ConsumeOrderedU64(&rest, &number)) {
      return absl::DataLossError("the gateway's incarnation number is damaged");
    }
  }
  std::string after;
  kv::AppendOrderedU64(&after, ++number);
  kv::WriteBatch batch;
  batch.Put(kGatewayMetaTable, kIncarnationKey, after);
  LIMBECK_RETURN_IF_ERROR(engine_->Write(batch));
  return number;
}

absl::StatusOr<std::optional<JobStore::Request>> JobStore::ReadRequest(
    const std::string& team, const std::string& request_id) const {
  LIMBECK_ASSIGN_OR_RETURN(std::optional<std::string> bytes,
                           engine_->Get(kJobRequestsTable, RequestKey(team, request_id)));
  if (!bytes.has_value()) return std::optional<Request>();
  Request request;
  std::string_view rest = *bytes;
  if (!kv::ConsumeOrderedString(&rest, &request.job_id)) {
    return absl::DataLossError("damaged entry of job_requests");
  }
  request.spec_hash = std::string(rest);
  return std::optional<Request>(std::move(request));
}

absl::StatusOr<std::optional<v1::DistillationJob>> JobStore::FindRequest(
    const std::string& team, const std::string& request_id) {
  LIMBECK_ASSIGN_OR_RETURN(const std::optional<Request> request, ReadRequest(team, request_id));
  if (!request.has_value()) return std::optional<v1::DistillationJob>();
  LIMBECK_ASSIGN_OR_RETURN(v1::DistillationJob job, Get(request->job_id));
  return std::optional<v1::DistillationJob>(std::move(job));
}

absl::StatusOr<v1::DistillationJob> JobStore::SameRequest(const Request& request,
                                                          const std::string& request_id,
                                                          const std::string& spec_hash) const {
  if (request.spec_hash == spec_hash) return Get(request.job_id);
  return absl::AlreadyExistsError(
      absl::StrCat("request_id \"", request_id, "\" already made ", request.job_id,
                   " from another spec; choose a new request_id for a new job"));
}

absl::StatusOr<v1::DistillationJob> JobStore::Create(const std::string& team,
                                                     const std::string& request_id,
                                                     const v1::JobSpec& spec,
                                                     const v1::Progress& progress) {
  const std::string spec_hash = Sha256(DeterministicBytes(spec));
  LIMBECK_ASSIGN_OR_RETURN(std::optional<Request> earlier, ReadRequest(team, request_id));
  if (earlier.has_value()) return SameRequest(*earlier, request_id, spec_hash);

  const absl::Time now = clock_->WallNow();
  v1::DistillationJob job;
  job.set_id(absl::StrCat("job-", HexEncode(RandomBytes(8))));
  job.set_team(team);
  *job.mutable_spec() = spec;
  job.set_state(v1::JOB_STATE_QUEUED);
  *job.mutable_create_time() = ToProto(now);
  *job.mutable_progress() = progress;
  job.mutable_progress()->set_ceiling_micro_usd(spec.budget().ceiling_micro_usd());
  AddPendingPhases(&job);
  job.set_revision(1);

  v1::JobEvent event;
  event.set_cursor(1);
  *event.mutable_time() = job.create_time();
  *event.mutable_job() = job;
  event.mutable_job()->clear_spec();
  event.set_message("accepted");

  const std::string request_key = RequestKey(team, request_id);
  std::string request;
  kv::AppendOrderedString(&request, job.id());
  request += spec_hash;
  kv::WriteBatch batch;
  batch.ExpectAbsent(kJobRequestsTable, request_key);
  batch.Put(kJobRequestsTable, request_key, request);
  batch.Put(kJobsTable, job.id(), job.SerializeAsString());
  batch.Put(kJobsByTimeTable, TimeKey(absl::ToUnixMicros(now), job.id()), "");
  batch.Put(kJobEventsTable, EventKey(job.id(), 1), event.SerializeAsString());
  const absl::Status written = engine_->Write(batch);
  if (written.ok()) return job;
  if (!absl::IsAborted(written)) return Annotate(written, "create job");
  // Another thread was quicker with the same request.
  LIMBECK_ASSIGN_OR_RETURN(earlier, ReadRequest(team, request_id));
  if (!earlier.has_value()) return Annotate(written, "create job");
  return SameRequest(*earlier, request_id, spec_hash);
}

absl::StatusOr<v1::DistillationJob> JobStore::Get(const std::string& id) const {
  LIMBECK_ASSIGN_OR_RETURN(std::optional<v1::DistillationJob> job,
                           GetMessage<v1::DistillationJob>(*engine_, kJobsTable, id));
  if (!job.has_value()) return absl::NotFoundError(absl::StrCat("there is no job \"", id, "\""));
  return *std::move(job);
}

absl::StatusOr<Page<v1::DistillationJob>> JobStore::List(uint32_t page_size,
                                                         const std::string& page_token) const {
  LIMBECK_ASSIGN_OR_RETURN(const uint32_t limit, PageSize(page_size));
  LIMBECK_ASSIGN_OR_RETURN(const std::string begin, PageStart("", page_token));
  LIMBECK_ASSIGN_OR_RETURN(auto scan, engine_->Scan(kJobsByTimeTable, begin, ""));
  Page<v1::DistillationJob> page;
  std::string last;
  for (; scan->Valid(); scan->Next()) {
    if (page.items.size() == limit) {
      page.next_token = PageToken(last);
      break;
    }
    last = std::string(scan->key());
    std::string_view rest = last;
    uint64_t time = 0;
    std::string id;
    if (!kv::ConsumeOrderedU64(&rest, &time) || !kv::ConsumeOrderedString(&rest, &id)) {
      return absl::DataLossError("damaged key in jobs_by_time");
    }
    LIMBECK_ASSIGN_OR_RETURN(v1::DistillationJob job, Get(id));
    page.items.push_back(std::move(job));
  }
  LIMBECK_RETURN_IF_ERROR(scan->status());
  return page;
}

absl::StatusOr<std::vector<std::string>> JobStore::ListUnfinished() const {
  LIMBECK_ASSIGN_OR_RETURN(auto scan, engine_->Scan(kJobsTable, "", ""));
  std::vector<std::string> ids;
  for (; scan->Valid(); scan->Next()) {
    LIMBECK_ASSIGN_OR_RETURN(const v1::DistillationJob job,
                             Parse<v1::DistillationJob>(kJobsTable, std::string(scan->value())));
    if (NeedsRunner(job.state())) ids.push_back(job.id());
  }
  LIMBECK_RETURN_IF_ERROR(scan->status());
  return ids;
}

absl::Status JobStore::WriteChanged(const std::string& before, v1::DistillationJob* job,
                                    std::string_view message) {
  const uint64_t previous = job->revision();
  job->set_revision(previous + 1);
  v1::JobEvent event;
  event.set_cursor(job->revision());
  *event.mutable_time() = ToProto(clock_->WallNow());
  event.set_message(std::string(message));
  *event.mutable_job() = *job;
  event.mutable_job()->clear_spec();

  kv::WriteBatch batch;
  batch.ExpectValue(kJobsTable, job->id(), before);
  batch.Put(kJobsTable, job->id(), job->SerializeAsString());
  batch.Put(kJobEventsTable, EventKey(job->id(), job->revision()), event.SerializeAsString());
  if (message.empty()) {
    const std::string previous_key = EventKey(job->id(), previous);
    LIMBECK_ASSIGN_OR_RETURN(std::optional<v1::JobEvent> last,
                             GetMessage<v1::JobEvent>(*engine_, kJobEventsTable, previous_key));
    if (last.has_value() && IsPlainProgress(*last)) batch.Delete(kJobEventsTable, previous_key);
  }
  return engine_->Write(batch);
}

absl::StatusOr<v1::DistillationJob> JobStore::Update(
    const std::string& id, const std::function<absl::Status(v1::DistillationJob*)>& change,
    std::string_view message) {
  for (int attempt = 0; attempt < kMaxUpdateTries; ++attempt) {
    LIMBECK_ASSIGN_OR_RETURN(std::optional<std::string> before, engine_->Get(kJobsTable, id));
    if (!before.has_value()) {
      return absl::NotFoundError(absl::StrCat("there is no job \"", id, "\""));
    }
    LIMBECK_ASSIGN_OR_RETURN(v1::DistillationJob job,
                             Parse<v1::DistillationJob>(kJobsTable, *before));
    const v1::JobState state_before = job.state();
    LIMBECK_RETURN_IF_ERROR(change(&job));
    LIMBECK_RETURN_IF_ERROR(CheckTransition(state_before, job.state()));
    if (job.state() != v1::JOB_STATE_PAUSED) {
      job.clear_pause_reason();
      job.clear_pause_message();
    }
    if (IsTerminal(job.state()) && !IsTerminal(state_before)) {
      *job.mutable_end_time() = ToProto(clock_->WallNow());
    }
    const absl::Status written = WriteChanged(*before, &job, message);
    if (written.ok()) {
      Announce(id, job.revision());
      return job;
    }
    if (!absl::IsAborted(written)) return Annotate(written, absl::StrCat("change ", id));
  }
  return absl::AbortedError(absl::StrCat("change ", id, ": it keeps being changed by others"));
}

absl::StatusOr<std::vector<v1::JobEvent>> JobStore::Events(const std::string& id, uint64_t cursor,
                                                           size_t limit) const {
  std::vector<v1::JobEvent> events;
  if (cursor == UINT64_MAX) return events;
  LIMBECK_ASSIGN_OR_RETURN(auto scan, engine_->Scan(kJobEventsTable, EventKey(id, cursor + 1),
                                                    kv::PrefixEnd(JobPrefix(id))));
  for (; scan->Valid() && events.size() < limit; scan->Next()) {
    LIMBECK_ASSIGN_OR_RETURN(v1::JobEvent event,
                             Parse<v1::JobEvent>(kJobEventsTable, std::string(scan->value())));
    events.push_back(std::move(event));
  }
  LIMBECK_RETURN_IF_ERROR(scan->status());
  return events;
}

void JobStore::Announce(const std::string& id, uint64_t cursor) {
  absl::MutexLock lock(&mu_);
  uint64_t& newest = newest_[id];
  newest = std::max(newest, cursor);
}

bool JobStore::WaitForEvent(const std::string& id, uint64_t cursor, absl::Duration timeout) {
  {
    // A change announced before this call may be absent from `newest_` after a restart.
    const absl::StatusOr<v1::DistillationJob> job = Get(id);
    if (job.ok() && job->revision() > cursor) return true;
  }
  absl::MutexLock lock(&mu_);
  const auto changed = [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    const auto it = newest_.find(id);
    return it != newest_.end() && it->second > cursor;
  };
  return mu_.AwaitWithTimeout(absl::Condition(&changed), timeout);
}

absl::Status JobStore::AddRejection(const std::string& id, const RejectionKey& key,
                                    const v1::Rejection& rejection) {
  return Annotate(PutMessage(*engine_, kJobRejectionsTable, RejectionKeyOf(id, key), rejection),
                  absl::StrCat("keep a rejection of ", id));
}

absl::StatusOr<std::vector<std::optional<v1::Rejection>>> JobStore::FindRejections(
    const std::string& id, const std::vector<RejectionKey>& keys) const {
  std::vector<std::string> raw_keys;
  raw_keys.reserve(keys.size());
  for (const RejectionKey& key : keys) raw_keys.push_back(RejectionKeyOf(id, key));
  LIMBECK_ASSIGN_OR_RETURN(auto values, engine_->MultiGet(kJobRejectionsTable, raw_keys));
  std::vector<std::optional<v1::Rejection>> found(values.size());
  for (size_t i = 0; i < values.size(); ++i) {
    if (!values[i].has_value()) continue;
    LIMBECK_ASSIGN_OR_RETURN(found[i], Parse<v1::Rejection>(kJobRejectionsTable, *values[i]));
  }
  return found;
}

absl::StatusOr<Page<v1::Rejection>> JobStore::ListRejections(const std::string& id,
                                                             uint32_t page_size,
                                                             const std::string& page_token) const {
  LIMBECK_ASSIGN_OR_RETURN(const uint32_t limit, PageSize(page_size));
  const std::string prefix = JobPrefix(id);
  LIMBECK_ASSIGN_OR_RETURN(const std::string begin, PageStart(prefix, page_token));
  LIMBECK_ASSIGN_OR_RETURN(auto scan,
                           engine_->Scan(kJobRejectionsTable, begin, kv::PrefixEnd(prefix)));
  Page<v1::Rejection> page;
  std::string last;
  for (; scan->Valid(); scan->Next()) {
    if (page.items.size() == limit) {
      page.next_token = PageToken(last);
      break;
    }
    last = std::string(scan->key());
    LIMBECK_ASSIGN_OR_RETURN(v1::Rejection rejection,
                             Parse<v1::Rejection>(kJobRejectionsTable, std::string(scan->value())));
    page.items.push_back(std::move(rejection));
  }
  LIMBECK_RETURN_IF_ERROR(scan->status());
  return page;
}

absl::StatusOr<uint64_t> JobStore::CountRejectedRows(const std::string& id) const {
  const std::string prefix = JobPrefix(id);
  LIMBECK_ASSIGN_OR_RETURN(auto scan,
                           engine_->Scan(kJobRejectionsTable, prefix, kv::PrefixEnd(prefix)));
  uint64_t rows = 0;
  std::string last_row;
  for (; scan->Valid(); scan->Next()) {
    // The variant is the key's last eight bytes.
    const std::string row(scan->key().substr(0, scan->key().size() - sizeof(uint64_t)));
    if (row != last_row) ++rows;
    last_row = row;
  }
  LIMBECK_RETURN_IF_ERROR(scan->status());
  return rows;
}

absl::StatusOr<std::optional<HarvestMark>> JobStore::GetMark(const std::string& id) const {
  LIMBECK_ASSIGN_OR_RETURN(const std::optional<std::string> bytes,
                           engine_->Get(kJobMarksTable, id));
  if (!bytes.has_value()) return std::optional<HarvestMark>();
  LIMBECK_ASSIGN_OR_RETURN(HarvestMark mark, DecodeMark(*bytes));
  return std::optional<HarvestMark>(std::move(mark));
}

absl::Status JobStore::PutMark(const std::string& id, const HarvestMark& mark) {
  kv::WriteBatch batch;
  batch.Put(kJobMarksTable, id, EncodeMark(mark));
  return Annotate(engine_->Write(batch), absl::StrCat("keep the mark of ", id));
}

absl::StatusOr<std::optional<v1::WorkResponse::Assignment>> JobStore::GetPlan(
    const std::string& id) const {
  return GetMessage<v1::WorkResponse::Assignment>(*engine_, kJobPlansTable, id);
}

absl::Status JobStore::PutPlan(const std::string& id, const v1::WorkResponse::Assignment& plan) {
  return Annotate(PutMessage(*engine_, kJobPlansTable, id, plan),
                  absl::StrCat("keep the training plan of ", id));
}

absl::StatusOr<std::optional<v1::AcceptanceReport>> JobStore::GetReport(
    const std::string& id) const {
  return GetMessage<v1::AcceptanceReport>(*engine_, kJobReportsTable, id);
}

absl::Status JobStore::PutReport(const std::string& id, const v1::AcceptanceReport& report) {
  return Annotate(PutMessage(*engine_, kJobReportsTable, id, report),
                  absl::StrCat("keep the report of ", id));
}

}  // namespace limbeck::gateway
