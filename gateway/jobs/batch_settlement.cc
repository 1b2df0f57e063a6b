#include "gateway/jobs/batch_settlement.h"

#include <algorithm>
#include <filesystem>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "cache/records/record_codec.h"
#include "gateway/batches/settle_recorded.h"
#include "gateway/jobs/row_judge.h"
#include "gateway/teachers/cost.h"

namespace limbeck::gateway {
namespace {

constexpr size_t kMaxNoteBytes = 200;

cache::CallUsage UsageOf(const cache::Usage& usage) {
  cache::CallUsage used;
  used.reported = UsageIsReported(usage);
  if (!used.reported) return used;
  used.input_tokens = usage.input_tokens;
  used.cached_input_tokens = usage.cached_input_tokens;
  used.output_tokens = usage.output_tokens;
  return used;
}

int64_t CostOf(const TeacherConfig& priced, const BatchLine& line, const cache::Usage& usage) {
  return UsageIsReported(usage) ? CostMicroUsd(priced, usage) : line.reserve_micro_usd;
}

cache::CommitItem CommitOf(const TeacherConfig& priced, const BatchLine& line,
                           const cache::SoftOutput& output) {
  cache::CommitItem item;
  item.key = line.key;
  item.fence = line.fence;
  item.record = cache::EncodeRecord(output);
  item.usage = UsageOf(output.usage);
  item.actual_micro_usd = CostOf(priced, line, output.usage);
  return item;
}

cache::ReleaseItem ReleaseOf(const TeacherConfig& priced, const BatchLine& line,
                             const Failure& failure) {
  using Reason = cache::ReleaseItem::Reason;
  cache::ReleaseItem item;
  item.key = line.key;
  item.fence = line.fence;
  item.note = absl::StrCat(failure.reason, ": ", failure.message).substr(0, kMaxNoteBytes);
  item.reason = Reason::kNotBilled;
  if (!failure.may_have_been_billed) return item;
  // With the provider's word on what it used, its end is known.
  const bool known = !RowReason(failure).empty() || UsageIsReported(failure.usage);
  item.reason = known ? Reason::kBilledUnusable : Reason::kAmbiguous;
  if (!known) return item;
  item.actual_micro_usd = CostOf(priced, line, failure.usage);
  item.usage = UsageOf(failure.usage);
  return item;
}

// Both calls do nothing for lines that were settled before.
absl::Status Store(const JobContext& context, const TeacherConfig& priced,
                   const BatchRecord& record, const std::vector<BatchResult>& results) {
  std::vector<cache::CommitItem> commits;
  std::vector<cache::ReleaseItem> releases;
  for (const BatchResult& result : results) {
    const BatchLine& line = record.lines[result.line];
    if (const auto* output = std::get_if<cache::SoftOutput>(&result.outcome.result)) {
      commits.push_back(CommitOf(priced, line, *output));
    } else {
      releases.push_back(ReleaseOf(priced, line, std::get<Failure>(result.outcome.result)));
    }
  }
  if (!commits.empty()) {
    LIMBECK_RETURN_IF_ERROR(context.cache->Commit(context.domain, commits).status());
  }
  for (size_t i = 0; i < releases.size(); i += cache::kMaxBatchItems) {
    const auto begin = releases.begin() + static_cast<std::ptrdiff_t>(i);
    const auto size = std::min(cache::kMaxBatchItems, releases.size() - i);
    LIMBECK_RETURN_IF_ERROR(
        context.cache->Release(context.domain, {begin, begin + static_cast<std::ptrdiff_t>(size)})
            .status());
  }
  return absl::OkStatus();
}

}  // namespace

bool BuysByBatch(const v1::JobSpec& spec) {
  return spec.teachers_size() > 0 && spec.teachers(0).purchase() == v1::TeacherUse::PURCHASE_BATCH;
}

BatchTools ToolsOf(const JobContext& context, const JobTeacher& teacher) {
  BatchTools tools;
  tools.config = &teacher.config;
  tools.provider = teacher.provider;
  tools.transport = context.transport;
  tools.store = context.batches;
  tools.clock = context.clock;
  tools.registry = context.registry;
  tools.spool = std::filesystem::path(context.data_dir) / "batches";
  return tools;
}

void ClaimForBatches(const v1::DistillationJob& job, const BatchLimits& limits,
                     cache::AcquireRequest* request) {
  // An owner without a restart: incarnations of gateways do not end these claims.
  request->owner = {absl::StrCat(JobAccount(job.id()), "/batches"), 1};
  request->request_id = absl::StrCat("batches/", job.id());
  request->claim_life = limits.claim_life();
}

absl::StatusOr<std::optional<Failure>> SettleEarlierBatches(
    const JobContext& context, const v1::DistillationJob& job, bool cancel, StopSignal* stop,
    const std::function<void(size_t left)>& on_waiting) {
  if (!BuysByBatch(job.spec()) || context.batches == nullptr) return std::nullopt;
  LIMBECK_ASSIGN_OR_RETURN(const std::vector<BatchRecord> records, context.batches->List(job.id()));
  if (records.empty()) return std::nullopt;
  const std::string& name = job.spec().teachers(0).teacher();
  const auto teacher = context.teachers->find(name);
  if (teacher == context.teachers->end() || !teacher->second.config.batch.has_value()) {
    Failure failure;
    failure.cls = FailureClass::kStopTeacher;
    failure.reason = "NO_BATCH";
    failure.message = absl::StrCat("teacher ", name, " is not configured with `batch` any more");
    return failure;
  }
  const BatchTools tools = ToolsOf(context, teacher->second);
  const TeacherConfig priced = AtBatchPrices(*tools.config);
  BatchCaller caller(context.transport);
  const int listener = stop->AddListener([&caller] { caller.Stop(); });
  if (stop->fired()) caller.Stop();
  auto stopped = SettleRecorded(
      tools, &caller, job.id(), cancel,
      [&](const BatchRecord& record, const std::vector<BatchResult>& results) {
        return Store(context, priced, record, results);
      },
      on_waiting);
  stop->RemoveListener(listener);
  return stopped;
}

}  // namespace limbeck::gateway
