#include "gateway/jobs/harvest.h"

#include <algorithm>
#include <filesystem>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/status.h"
#include "cache/records/record_codec.h"
#include "gateway/jobs/harvest_items.h"
#include "gateway/jobs/votes_together.h"
#include "gateway/teachers/canonical.h"

namespace limbeck::gateway {
namespace {

constexpr absl::Duration kDiskCheckInterval = absl::Seconds(1);
// While nothing else happens, waiting queries are looked at this often.
constexpr absl::Duration kWaitTick = absl::Milliseconds(20);
// A stopped process gives the cache this long to take paid answers.
constexpr absl::Duration kStopPatience = absl::Seconds(30);

}  // namespace

absl::StatusOr<std::unique_ptr<Harvest>> Harvest::Create(
    const JobContext& context, const v1::DistillationJob& job, StopSignal* stop,
    std::function<void(const HarvestCounts&)> on_progress,
    std::function<void(const HarvestOutcome&)> on_disk_full) {
  LIMBECK_ASSIGN_OR_RETURN(QueryMaker maker,
                           QueryMaker::Create(job.spec(), *context.teachers, *context.datasets));
  LIMBECK_ASSIGN_OR_RETURN(RowJudge judge, RowJudge::Create(job.spec()));
  LIMBECK_ASSIGN_OR_RETURN(
      const TokenFit fit, ReadTokenFit(context.cache, context.domain, maker.teacher().config.name));
  std::unique_ptr<Harvest> harvest(new Harvest(context, job, stop, std::move(on_progress),
                                               std::move(maker), std::move(judge), fit));
  harvest->on_disk_full_ = std::move(on_disk_full);
  harvest->votes_per_call_ = VotesPerCall(context, job.spec());
  return harvest;
}

Harvest::Harvest(const JobContext& context, const v1::DistillationJob& job, StopSignal* stop,
                 std::function<void(const HarvestCounts&)> on_progress, QueryMaker maker,
                 RowJudge judge, const TokenFit& fit)
    : context_(context),
      job_(job),
      stop_(stop),
      on_progress_(std::move(on_progress)),
      maker_(std::move(maker)),
      judge_(std::move(judge)),
      fit_(fit),
      metrics_(context.registry) {
  const size_t concurrent = std::max<uint32_t>(1, maker_.teacher().config.limits.max_concurrent);
  max_claimed_ = context.harvest.max_claimed != 0 ? context.harvest.max_claimed : 2 * concurrent;
  train_with_partial_ =
      job.spec().budget().on_exhausted() == v1::Budget::ON_EXHAUSTED_TRAIN_WITH_PARTIAL;
  keeper_ = std::make_unique<AnswerKeeper>(context_, [this](const absl::Status& status) {
    if (absl::IsResourceExhausted(status)) {
      End(HarvestOutcome::End::kDisk,
          absl::StrCat("the cache has no room for answers: ", absl::string_view(status.message()),
                       "; free some space and resume"));
    }
  });
}

Harvest::~Harvest() = default;

absl::StatusOr<HarvestOutcome> Harvest::RunSmoke(uint32_t rows, uint32_t usable) {
  LIMBECK_ASSIGN_OR_RETURN(HarvestOutcome outcome, Run(WalkPart::kTrainFile, rows, true));
  if (outcome.end != HarvestOutcome::End::kDone) return outcome;
  const HarvestCounts& counts = outcome.counts;
  const uint64_t wanted = std::min<uint64_t>(usable, counts.items_total);
  if (counts.items_usable < wanted) {
    outcome.end = HarvestOutcome::End::kRejections;
    outcome.message = absl::StrCat("smoke test: ", counts.items_usable, " of the first ",
                                   counts.items_total, " rows have a usable answer, ", wanted,
                                   " are needed; look at the rejections, then cancel and correct "
                                   "the prompt, or resume to go on regardless");
  }
  return outcome;
}

absl::StatusOr<HarvestOutcome> Harvest::RunAll() {
  judge_share_ = true;
  marks_ = true;
  return Run(WalkPart::kAll, UINT64_MAX, false);
}

absl::Status Harvest::CountAll(WalkPart part, uint64_t max_rows, bool clean_only) {
  const uint64_t counted = job_.progress().queries_total();
  if (part == WalkPart::kAll && counted > 0) {
    // The check at submission walked the same rows, and datasets do not change.
    absl::MutexLock lock(&mu_);
    counts_.queries_total = counted;
    counts_.items_total = counted / maker_.samples();
    return absl::OkStatus();
  }
  LIMBECK_ASSIGN_OR_RETURN(const auto walk, RowWalk::Open(*context_.datasets, job_.spec(), part));
  uint64_t items = 0;
  for (uint64_t rows = 0; rows < max_rows && !stop_->fired(); ++rows) {
    LIMBECK_ASSIGN_OR_RETURN(const std::optional<JobRow> row, walk->Next());
    if (!row.has_value()) break;
    items += clean_only ? 1 : maker_.VariantsOf(*row);
  }
  absl::MutexLock lock(&mu_);
  counts_.items_total = items;
  counts_.queries_total = items * maker_.samples();
  return absl::OkStatus();
}

absl::StatusOr<HarvestOutcome> Harvest::Run(WalkPart part, uint64_t max_rows, bool clean_only) {
  LIMBECK_RETURN_IF_ERROR(CountAll(part, max_rows, clean_only));
  LIMBECK_ASSIGN_OR_RETURN(walk_, RowWalk::Open(*context_.datasets, job_.spec(), part));
  LIMBECK_RETURN_IF_ERROR(GoOnAtMark());
  rows_left_ = max_rows;
  clean_only_ = clean_only;
  maker_.teacher().client->Resume();
  const int listener = stop_->AddListener([this] {
    absl::MutexLock lock(&mu_);
    stop_seen_ = true;
  });
  absl::Status status;
  while (status.ok() && !Ended() && !stop_->fired()) {
    {
      absl::MutexLock lock(&mu_);
      if (walked_ && fresh_.empty() && refused_.empty() && Idle()) break;
    }
    status = Step();
    ReportProgress(false);
  }
  Drain();
  stop_->RemoveListener(listener);
  ReportProgress(true);
  LIMBECK_RETURN_IF_ERROR(status);
  absl::MutexLock lock(&mu_);
  LIMBECK_RETURN_IF_ERROR(failure_);
  HarvestOutcome outcome;
  outcome.counts = counts_;
  outcome.message = end_message_;
  const bool done = walked_ && fresh_.empty() && refused_.empty() && waiting_.empty();
  outcome.end = end_.value_or(done ? HarvestOutcome::End::kDone : HarvestOutcome::End::kStopped);
  return outcome;
}

// What is on the wire is still kept.
void Harvest::Drain() {
  const auto drained = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) { return claimed_ == 0; };
  const auto drained_or_stopped = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    return claimed_ == 0 || stop_seen_;
  };
  HarvestOutcome full;
  full.end = HarvestOutcome::End::kDisk;
  {
    absl::MutexLock lock(&mu_);
    if (end_ == full.end) full.message = end_message_;
  }
  // Answers may wait long for room; their job says so meanwhile.
  if (!full.message.empty()) on_disk_full_(full);
  absl::MutexLock lock(&mu_);
  mu_.Await(absl::Condition(&drained_or_stopped));
  if (claimed_ > 0) keeper_->Hurry(kStopPatience);
  mu_.Await(absl::Condition(&drained));
}

bool Harvest::Idle() const { return claimed_ == 0 && waiting_.empty(); }

// One round: fill, claim, send.
absl::Status Harvest::Step() {
  const size_t room = AwaitRoom();
  if (room == 0) return absl::OkStatus();
  const std::vector<UnitPtr> units = TakeBatch(std::min(room, context_.harvest.acquire_batch));
  if (units.empty()) return absl::OkStatus();
  if (!lookup_only_ && DiskIsFull()) return absl::OkStatus();
  return AcquireAndSend(units);
}

// Waits until claims may be made, or a waiting query may be due. Batches are worth a round trip: a
// quarter of the claims has to be free unless nothing is under way.
size_t Harvest::AwaitRoom() {
  const auto roomy = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    return stop_seen_ || end_.has_value() || !failure_.ok() ||
           claimed_ <= max_claimed_ - std::max<size_t>(1, max_claimed_ / 4);
  };
  absl::MutexLock lock(&mu_);
  if (!mu_.AwaitWithTimeout(absl::Condition(&roomy), context_.harvest.progress_interval)) return 0;
  if (stop_seen_ || end_.has_value() || !failure_.ok()) return 0;
  return max_claimed_ - claimed_;
}

std::vector<Harvest::UnitPtr> Harvest::TakeBatch(size_t limit) {
  std::vector<UnitPtr> batch;
  const SteadyTime now = context_.clock->Now();
  // Votes on one row stay together: at most a row's more than the limit.
  const auto has_room = [&](const UnitPtr& unit) {
    return batch.size() < limit || (!batch.empty() && batch.back()->item == unit->item);
  };
  bool crowded = false;
  bool far_ahead = false;
  {
    absl::MutexLock lock(&mu_);
    auto is_due = [&](const UnitPtr& unit) { return unit->due <= now && has_room(unit); };
    for (auto it = waiting_.begin(); it != waiting_.end();) {
      if (!is_due(*it)) {
        ++it;
        continue;
      }
      batch.push_back(*it);
      it = waiting_.erase(it);
    }
    crowded = waiting_.size() >= context_.harvest.max_waiting;
    far_ahead = settled_.open() >= context_.harvest.max_unsettled;
    // Refused queries are tried again once everything that was reserved has been settled.
    if (claimed_ == 0 && batch.empty()) {
      while (!refused_.empty() && batch.size() < limit) {
        batch.push_back(refused_.front());
        refused_.pop_front();
      }
    }
  }
  while (refused_.empty() && !crowded) {
    if (fresh_.empty()) {
      if (walked_ || far_ahead || batch.size() >= limit) break;
      const absl::Status filled = FillFresh();
      if (!filled.ok()) {
        Fail(filled);
        return {};
      }
      continue;
    }
    if (!has_room(fresh_.front())) break;
    batch.push_back(fresh_.front());
    fresh_.pop_front();
  }
  if (batch.empty()) {
    const auto news = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
      return stop_seen_ || end_.has_value() || !failure_.ok() || Idle();
    };
    absl::MutexLock lock(&mu_);
    mu_.AwaitWithTimeout(absl::Condition(&news), kWaitTick);
  }
  return batch;
}

absl::Status Harvest::FillFresh() {
  if (rows_left_ == 0) {
    walked_ = true;
    return absl::OkStatus();
  }
  --rows_left_;
  LIMBECK_ASSIGN_OR_RETURN(const std::optional<JobRow> row, walk_->Next());
  if (!row.has_value()) {
    walked_ = true;
    return absl::OkStatus();
  }
  return AddItems(*row);
}

absl::Status Harvest::AddItems(const JobRow& row) {
  const uint32_t variants = clean_only_ ? 1 : maker_.VariantsOf(row);
  std::vector<RejectionKey> keys;
  for (uint32_t variant = 0; variant < variants; ++variant) {
    keys.push_back({row.dataset, row.number, variant});
  }
  LIMBECK_ASSIGN_OR_RETURN(const auto known, context_.store->FindRejections(job_.id(), keys));
  for (uint32_t variant = row.place == first_place_ ? first_variant_ : 0; variant < variants;
       ++variant) {
    const uint64_t index = expansion_->IndexOf({row.place, variant, 0});
    StartItem(index);
    auto item = std::make_shared<Item>();
    item->index = index;
    item->key = keys[variant];
    item->row_id = row.row.id;
    item->asked = maker_.first_samples();
    item->pending = item->asked;
    item->outputs.resize(maker_.samples());
    LIMBECK_ASSIGN_OR_RETURN(const TeacherQuery query, maker_.QueryOf(row, variant));
    if (known[variant].has_value()) {
      LIMBECK_RETURN_IF_ERROR(PassOver(item, query));
      continue;
    }
    if (item->asked < maker_.samples()) item->query = query;
    for (uint32_t sample = 0; sample < item->asked; ++sample) {
      fresh_.push_back(NewUnit(item, query, sample));
    }
  }
  return absl::OkStatus();
}

Harvest::UnitPtr Harvest::NewUnit(const ItemPtr& item, TeacherQuery query, uint32_t sample) const {
  auto unit = std::make_shared<Unit>();
  unit->item = item;
  unit->sample = sample;
  unit->query = std::move(query);
  maker_.SetSample(sample, &unit->query);
  unit->canonical = CanonicalRequest(maker_.teacher().config, unit->query);
  SetPrice(unit.get());
  return unit;
}

bool Harvest::DiskIsFull() {
  const SteadyTime now = context_.clock->Now();
  if (context_.data_dir.empty() || now < next_disk_check_) return false;
  next_disk_check_ = now + kDiskCheckInterval;
  std::error_code error;
  const auto space = std::filesystem::space(context_.data_dir, error);
  if (error || space.available >= context_.harvest.min_free_bytes) return false;
  End(HarvestOutcome::End::kDisk,
      absl::StrCat("only ", space.available, " bytes are free in ", context_.data_dir, ", ",
                   context_.harvest.min_free_bytes, " are wanted; free some space and resume"));
  return true;
}

void Harvest::End(HarvestOutcome::End end, std::string message) {
  absl::MutexLock lock(&mu_);
  if (end_.has_value()) return;
  end_ = end;
  end_message_ = std::move(message);
}

void Harvest::Fail(const absl::Status& status) {
  absl::MutexLock lock(&mu_);
  if (failure_.ok()) failure_ = status;
}

bool Harvest::Ended() const {
  absl::MutexLock lock(&mu_);
  return end_.has_value() || !failure_.ok();
}

void Harvest::ReportProgress(bool force) {
  const SteadyTime now = context_.clock->Now();
  if (!force && now - last_progress_ < context_.harvest.progress_interval) return;
  last_progress_ = now;
  HarvestCounts counts;
  {
    absl::MutexLock lock(&mu_);
    counts = counts_;
  }
  KeepMark();
  on_progress_(counts);
}

}  // namespace limbeck::gateway
