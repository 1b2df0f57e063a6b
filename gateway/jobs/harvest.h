// Buys or finds the teacher's answers to a job's rows: the pipeline from rows to records.
//
//   walk rows → make queries → Acquire (look up, claim, reserve) → teacher → Commit → judge
//
// Every answer is durable in the cache before it is counted; every row without a usable answer is
// durable in the store. A mark behind which everything is settled is kept beside the job: a run
// after a crash goes on there, finds what was bought beyond it, and buys the rest.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "gateway/coordination/stop_signal.h"
#include "gateway/expansion/expansion.h"
#include "gateway/jobs/answer_keeper.h"
#include "gateway/jobs/cost_projection.h"
#include "gateway/jobs/harvest_metrics.h"
#include "gateway/jobs/job_context.h"
#include "gateway/jobs/query_maker.h"
#include "gateway/jobs/row_judge.h"
#include "gateway/jobs/row_walk.h"
#include "gateway/jobs/settled_prefix.h"
#include "gateway/jobs/token_fit.h"
#include "limbeck/v1/job.pb.h"

namespace limbeck::gateway {

struct HarvestCounts {
  // Of the whole walk, counted beforehand.
  uint64_t items_total = 0;  // Row × variant.
  uint64_t queries_total = 0;
  // So far.
  uint64_t queries_cached = 0;
  uint64_t queries_bought = 0;
  uint64_t items_usable = 0;
  uint64_t items_rejected = 0;
  uint64_t items_unanswered = 0;  // For lack of money.
  // Of the above, those that earlier runs settled.
  uint64_t items_before = 0;
  uint64_t calls_ambiguous = 0;
  CostSample cost;
  double leftover_sum = 0.0;     // Over usable items.
  std::set<std::string> models;  // As the teacher named itself; at most 16.
};

struct HarvestOutcome {
  enum class End {
    kDone,        // Every row was looked at.
    kStopped,     // The stop signal fired.
    kBudget,      // No money for the next query.
    kRejections,  // Too many rows without a usable answer.
    kTeacher,     // The teacher refuses service or is down.
    kDisk,        // No space to keep answers.
  };
  End end = End::kDone;
  // What happened and what to do, unless done or stopped.
  std::string message;
  HarvestCounts counts;
};

// One run. Run is called once; its thread walks and claims, the teacher client's threads hand
// answers to the keeper's.
class Harvest {
 public:
  // `job` has its spec; `context` and `stop` are borrowed. Callbacks come on Run's thread:
  // `on_progress` now and then, `on_disk_full` before the run waits for room for paid answers.
  static absl::StatusOr<std::unique_ptr<Harvest>> Create(
      const JobContext& context, const v1::DistillationJob& job, StopSignal* stop,
      std::function<void(const HarvestCounts&)> on_progress,
      std::function<void(const HarvestOutcome&)> on_disk_full);
  ~Harvest();

  // The smoke phase: the first `rows` rows of the train file, clean variant only.
  // kRejections unless `usable` of them are usable (or all, where there are fewer).
  absl::StatusOr<HarvestOutcome> RunSmoke(uint32_t rows, uint32_t usable);
  // Everything. kRejections once more than `max_rejected_share` of all items are rejected.
  absl::StatusOr<HarvestOutcome> RunAll();

 private:
  struct Item;
  struct Unit;
  using ItemPtr = std::shared_ptr<Item>;
  using UnitPtr = std::shared_ptr<Unit>;
  struct Bill {
    int64_t micro_usd = 0;
    cache::CallUsage usage;
  };

  Harvest(const JobContext& context, const v1::DistillationJob& job, StopSignal* stop,
          std::function<void(const HarvestCounts&)> on_progress, QueryMaker maker, RowJudge judge,
          const TokenFit& fit);

  absl::StatusOr<HarvestOutcome> Run(WalkPart part, uint64_t max_rows, bool clean_only);
  absl::Status CountAll(WalkPart part, uint64_t max_rows, bool clean_only);
  absl::Status Step();
  // Remembering.
  absl::StatusOr<HarvestMark> ReadMark() const;
  absl::Status GoOnAtMark();
  void StartItem(uint64_t index);
  absl::Status PassOver(const ItemPtr& item, const TeacherQuery& query);
  void KeepMark();
  // Walking.
  absl::Status FillFresh();
  absl::Status AddItems(const JobRow& row);
  std::vector<UnitPtr> TakeBatch(size_t limit);
  size_t AwaitRoom();
  // Claiming.
  void SetPrice(Unit* unit) const;
  absl::Status AcquireAndSend(std::vector<UnitPtr> units);
  absl::StatusOr<std::vector<cache::AcquireResult>> AcquireUntilAnswered(
      const std::vector<UnitPtr>& units, bool lookup_only);
  void OnResult(const UnitPtr& unit, cache::AcquireResult result);
  void OnHit(const UnitPtr& unit, cache::AcquireResult result);
  void OnRefused(const UnitPtr& unit, const cache::AcquireResult& result);
  bool DiskIsFull();
  // Sends what was claimed of each row's votes, several to a call.
  void AskGathered();
  // Asking. On the teacher client's threads.
  void Ask(const UnitPtr& unit);
  absl::Status OnAmbiguous(const UnitPtr& unit, const std::string& note);
  void OnAnswer(const UnitPtr& unit, CallOutcome outcome);
  void OnCallFailure(const UnitPtr& unit, Failure failure, absl::Duration took);
  // The units that `unit`'s call is for, itself first.
  static std::vector<UnitPtr> CallOf(const UnitPtr& unit);
  // What each of `parts` answers of a call costs and used.
  std::vector<Bill> BillsOf(const TeacherQuery& asked, const cache::Usage& usage,
                            absl::Duration took, size_t parts) const;
  void Keep(const UnitPtr& unit, cache::SoftOutput output, const Bill& bill);
  void CountCost(const Unit& unit, int64_t micro_usd, bool reported)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void OnFailure(const UnitPtr& unit, Failure failure, const Bill& bill);
  // `bill` counts for kBilledUnusable.
  void Release(const UnitPtr& unit, cache::ReleaseItem::Reason reason, const std::string& note,
               const Bill& bill, std::function<void()> then);
  void Unclaim();
  // Judging.
  void Resolve(const UnitPtr& unit, std::optional<cache::SoftOutput> output,
               std::optional<Failure> failure);
  void FinishItem(const ItemPtr& item);
  UnitPtr NewUnit(const ItemPtr& item, TeacherQuery query, uint32_t sample) const;
  // Asks for as many more answers to an item that needs some as one call gives.
  void AskMore(const ItemPtr& item);
  void Reject(const ItemPtr& item, const RowVerdict& verdict);
  void Requeue(const UnitPtr& unit, absl::Duration delay);
  void End(HarvestOutcome::End end, std::string message);
  void Fail(const absl::Status& status);
  void Drain();
  bool Ended() const;
  bool Idle() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void ReportProgress(bool force);

  const JobContext& context_;
  const v1::DistillationJob job_;
  StopSignal* const stop_;
  const std::function<void(const HarvestCounts&)> on_progress_;
  const QueryMaker maker_;
  const RowJudge judge_;
  const TokenFit fit_;
  const HarvestMetrics metrics_;
  std::function<void(const HarvestOutcome&)> on_disk_full_;
  size_t max_claimed_ = 0;
  bool train_with_partial_ = false;
  bool judge_share_ = false;
  bool marks_ = false;  // Whether this run goes on at the job's mark and moves it.

  // Run's thread only.
  std::unique_ptr<RowWalk> walk_;
  std::optional<Expansion> expansion_;
  // Where this run began.
  uint64_t first_place_ = 0;
  uint32_t first_variant_ = 0;
  uint64_t kept_mark_ = 0;
  uint64_t rows_left_ = 0;
  bool clean_only_ = false;
  bool walked_ = false;
  bool lookup_only_ = false;  // The money is spent and the job goes on with what there is.
  SteadyTime last_progress_;
  SteadyTime next_disk_check_;
  std::deque<UnitPtr> fresh_;
  std::deque<UnitPtr> refused_;
  std::vector<UnitPtr> gathered_;  // Claimed and not yet sent.

  // Votes asked for in one call; 1 once the teacher gave one of several, or took one where it had
  // refused several.
  std::atomic<uint32_t> votes_per_call_ = 1;

  mutable absl::Mutex mu_;
  size_t claimed_ ABSL_GUARDED_BY(mu_) = 0;
  // Sorted by nothing: few, and looked through whole.
  std::vector<UnitPtr> waiting_ ABSL_GUARDED_BY(mu_);
  HarvestCounts counts_ ABSL_GUARDED_BY(mu_);
  SettledPrefix settled_ ABSL_GUARDED_BY(mu_);
  std::optional<HarvestOutcome::End> end_ ABSL_GUARDED_BY(mu_);
  std::string end_message_ ABSL_GUARDED_BY(mu_);
  absl::Status failure_ ABSL_GUARDED_BY(mu_);
  bool stop_seen_ ABSL_GUARDED_BY(mu_) = false;

  // Last: its thread uses the rest.
  std::unique_ptr<AnswerKeeper> keeper_;
};

}  // namespace limbeck::gateway
