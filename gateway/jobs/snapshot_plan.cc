#include "gateway/jobs/snapshot_plan.h"

#include <deque>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "cache/records/job_labels.h"
#include "gateway/jobs/calibration.h"
#include "gateway/jobs/query_maker.h"
#include "gateway/jobs/row_walk.h"
#include "gateway/teachers/canonical.h"

namespace limbeck::gateway {
namespace {

// Queries looked up in one call.
constexpr size_t kLookupQueries = 1024;

// The items of one part in row order, looked up in batches.
class PartItems {
 public:
  PartItems(const JobContext& context, const v1::DistillationJob& job, const QueryMaker& maker,
            std::unique_ptr<RowWalk> walk)
      : context_(context), job_(job), maker_(maker), walk_(std::move(walk)) {}

  // The next item, valid until the next call; null at the end.
  absl::StatusOr<const cache::SnapshotItem*> Next() {
    while (ready_.empty() && !walked_) LIMBECK_RETURN_IF_ERROR(Fill());
    if (ready_.empty()) return nullptr;
    current_ = std::move(ready_.front());
    ready_.pop_front();
    ++given_;
    return &current_;
  }

  uint64_t given() const { return given_; }

 private:
  struct Wanted {
    RejectionKey key;
    cache::SnapshotItem item;
    size_t queries = 0;
  };

  absl::Status Fill() {
    std::vector<Wanted> wanted;
    std::vector<RejectionKey> keys;
    cache::AcquireRequest request;
    request.domain = context_.domain;
    request.lookup_only = true;
    while (request.items.size() < kLookupQueries) {
      LIMBECK_ASSIGN_OR_RETURN(const std::optional<JobRow> row, walk_->Next());
      if (!row.has_value()) {
        walked_ = true;
        break;
      }
      LIMBECK_RETURN_IF_ERROR(AddRow(*row, &wanted, &request));
    }
    if (wanted.empty()) return absl::OkStatus();
    for (const Wanted& one : wanted) keys.push_back(one.key);
    LIMBECK_ASSIGN_OR_RETURN(const auto rejected, context_.store->FindRejections(job_.id(), keys));
    LIMBECK_ASSIGN_OR_RETURN(const auto results, context_.cache->Acquire(request));
    if (results.size() != request.items.size()) {
      return absl::InternalError("the cache answered another number of queries than it was asked");
    }
    size_t next = 0;
    for (size_t i = 0; i < wanted.size(); ++i) {
      for (size_t query = 0; query < wanted[i].queries; ++query, ++next) {
        if (results[next].kind == cache::AcquireResult::Kind::kHit) {
          wanted[i].item.keys.push_back(results[next].key);
        }
      }
      const size_t found = wanted[i].item.keys.size();
      const bool incomplete = maker_.needs_all_samples() && found < wanted[i].queries;
      if (rejected[i].has_value() || found == 0 || incomplete) continue;
      ready_.push_back(std::move(wanted[i].item));
    }
    return absl::OkStatus();
  }

  absl::Status AddRow(const JobRow& row, std::vector<Wanted>* wanted,
                      cache::AcquireRequest* request) {
    for (uint32_t variant = 0; variant < maker_.VariantsOf(row); ++variant) {
      Wanted one;
      one.key = {row.dataset, row.number, variant};
      one.item.example = {row.row.id, maker_.InputOf(row, variant), walk_->GoldOf(row), variant};
      one.queries = maker_.samples();
      LIMBECK_ASSIGN_OR_RETURN(TeacherQuery query, maker_.QueryOf(row, variant));
      for (uint32_t sample = 0; sample < maker_.samples(); ++sample) {
        maker_.SetSample(sample, &query);
        request->items.push_back(
            {CanonicalRequest(maker_.teacher().config, query), query.top_logprobs, 0});
      }
      wanted->push_back(std::move(one));
    }
    return absl::OkStatus();
  }

  const JobContext& context_;
  const v1::DistillationJob& job_;
  const QueryMaker& maker_;
  const std::unique_ptr<RowWalk> walk_;
  bool walked_ = false;
  std::deque<cache::SnapshotItem> ready_;
  cache::SnapshotItem current_;
  uint64_t given_ = 0;
};

// The snapshot of one part; without items none is made.
absl::StatusOr<cache::SnapshotInfo> SnapshotPart(const JobContext& context,
                                                 const v1::DistillationJob& job,
                                                 const QueryMaker& maker, WalkPart part,
                                                 std::string_view name) {
  LIMBECK_ASSIGN_OR_RETURN(auto walk, RowWalk::Open(*context.datasets, job.spec(), part));
  PartItems items(context, job, maker, std::move(walk));
  LIMBECK_ASSIGN_OR_RETURN(const cache::SnapshotItem* first, items.Next());
  if (first == nullptr) return cache::SnapshotInfo{};
  bool first_given = false;
  return context.cache->CreateSnapshot(context.domain,
                                       absl::StrCat(ToAbsl(name), " rows of ", job.id()),
                                       [&]() -> absl::StatusOr<const cache::SnapshotItem*> {
                                         if (!std::exchange(first_given, true)) return first;
                                         return items.Next();
                                       });
}

}  // namespace

absl::StatusOr<v1::WorkResponse::Assignment> MakeTrainingPlan(const JobContext& context,
                                                              const v1::DistillationJob& job,
                                                              const HarvestCounts& counts) {
  LIMBECK_ASSIGN_OR_RETURN(const QueryMaker maker,
                           QueryMaker::Create(job.spec(), *context.teachers, *context.datasets));
  LIMBECK_ASSIGN_OR_RETURN(const cache::SnapshotInfo train,
                           SnapshotPart(context, job, maker, WalkPart::kTrain, "train"));
  LIMBECK_ASSIGN_OR_RETURN(const cache::SnapshotInfo validation,
                           SnapshotPart(context, job, maker, WalkPart::kValidation, "validation"));
  LIMBECK_ASSIGN_OR_RETURN(const cache::SnapshotInfo held_out,
                           SnapshotPart(context, job, maker, WalkPart::kHeldOut, "held-out"));
  if (train.items == 0 || held_out.items == 0) {
    return absl::FailedPreconditionError(
        absl::StrCat("there are ", train.items, " training rows and ", held_out.items,
                     " held-out rows with a usable answer; both are needed"));
  }
  LIMBECK_ASSIGN_OR_RETURN(const auto accounts, context.cache->GetSpend({JobAccount(job.id())}));
  LIMBECK_ASSIGN_OR_RETURN(const uint64_t rejected, context.store->CountRejectedRows(job.id()));

  v1::WorkResponse::Assignment plan;
  plan.set_job_id(job.id());
  *plan.mutable_spec() = job.spec();
  v1::ClassifyTask* task = plan.mutable_spec()->mutable_task()->mutable_classify();
  if (task->label_method() == v1::ClassifyTask::LABEL_METHOD_VERBALISED) {
    LIMBECK_ASSIGN_OR_RETURN(*task->mutable_calibration(), Calibrate(context, job.spec()));
  }
  plan.set_cache_address(context.cache_address);
  plan.set_train_snapshot_id(train.id);
  plan.set_validation_snapshot_id(validation.id);
  plan.set_held_out_snapshot_id(held_out.id);
  plan.set_train_items(train.items);
  v1::DataFacts* facts = plan.mutable_data_facts();
  facts->set_train_rows(train.items);
  facts->set_validation_rows(validation.items);
  facts->set_held_out_rows(held_out.items);
  facts->set_rejected_rows(rejected);
  facts->set_label_source(std::string(cache::LabelSourceName(cache::LabelSourceOf(job.spec()))));
  if (counts.items_usable > 0) {
    facts->set_mean_leftover_mass(counts.leftover_sum / static_cast<double>(counts.items_usable));
  }
  if (!accounts.empty()) {
    facts->set_spent_micro_usd(accounts[0].spent_micro_usd);
    facts->set_answers_bought(accounts[0].answers_bought);
  }
  const uint64_t answered = counts.queries_cached + counts.queries_bought;
  facts->set_answers_cached(answered > facts->answers_bought() ? answered - facts->answers_bought()
                                                               : 0);
  facts->set_train_snapshot_id(train.id);
  facts->set_held_out_snapshot_id(held_out.id);
  for (const std::string& model : counts.models) facts->add_teacher_models(model);
  return plan;
}

}  // namespace limbeck::gateway
