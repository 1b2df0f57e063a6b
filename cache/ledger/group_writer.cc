#include "cache/ledger/group_writer.h"

#include "absl/strings/str_cat.h"
#include "base/status.h"

namespace limbeck::cache {
namespace {

constexpr std::string_view kCountersKey = "counters";
constexpr size_t kMaxHotAccounts = 10'000;

}  // namespace

GroupWriter::GroupWriter(kv::Engine* engine, GroupWriterOptions options)
    : engine_(engine), options_(options), thread_([this] { Loop(); }) {}

GroupWriter::~GroupWriter() {
  {
    absl::MutexLock lock(&mu_);
    stopping_ = true;
  }
  thread_.join();
}

absl::Status GroupWriter::Run(const Request& request) {
  Waiting waiting{&request, absl::OkStatus()};
  absl::MutexLock lock(&mu_);
  if (stopping_) return absl::UnavailableError("the cache is stopping");
  if (queue_.size() >= options_.max_queued_requests) {
    ++stats_.refused;
    return absl::UnavailableError(absl::StrCat("the cache's write queue is full (",
                                               options_.max_queued_requests, " requests wait)"));
  }
  queue_.push_back(&waiting);
  mu_.Await(absl::Condition(&waiting.done));
  return waiting.status;
}

GroupWriterStats GroupWriter::stats() const {
  absl::MutexLock lock(&mu_);
  GroupWriterStats stats = stats_;
  stats.queued = queue_.size();
  return stats;
}

void GroupWriter::Loop() {
  while (true) {
    const Group group = TakeGroup();
    if (group.empty()) return;
    Serve(group);
    absl::MutexLock lock(&mu_);
    ++stats_.groups;
    stats_.requests += group.size();
    for (Waiting* waiting : group) waiting->done = true;
  }
}

GroupWriter::Group GroupWriter::TakeGroup() {
  Group group;
  size_t bytes = 0;
  absl::MutexLock lock(&mu_);
  const auto ready = [this]()
                         ABSL_SHARED_LOCKS_REQUIRED(mu_) { return stopping_ || !queue_.empty(); };
  mu_.Await(absl::Condition(&ready));
  while (!queue_.empty() && group.size() < options_.max_group_requests &&
         (group.empty() || bytes + queue_.front()->request->bytes <= options_.max_group_bytes)) {
    bytes += queue_.front()->request->bytes;
    group.push_back(queue_.front());
    queue_.pop_front();
  }
  return group;
}

void GroupWriter::Serve(const Group& group) {
  absl::Status status;
  for (int attempt = 0; attempt < options_.max_attempts; ++attempt) {
    status = TryOnce(group);
    if (status.ok()) return;
    hot_accounts_.clear();
    counters_bytes_.reset();
    if (!absl::IsAborted(status)) break;
    absl::MutexLock lock(&mu_);
    ++stats_.conflicts;
  }
  if (absl::IsAborted(status)) {
    status = absl::UnavailableError("other cache servers kept writing in between; try again");
  }
  for (Waiting* waiting : group) waiting->status = status;
}

absl::Status GroupWriter::TryOnce(const Group& group) {
  // The counters are read before anything else: if they are unchanged when the batch is applied,
  // every other row is too.
  if (!counters_bytes_.has_value()) {
    LIMBECK_ASSIGN_OR_RETURN(counters_bytes_, engine_->Get(kMetaTable, kCountersKey));
  }
  const std::optional<std::string> expected = *counters_bytes_;
  Transaction transaction(engine_, &hot_accounts_);
  if (expected.has_value()) {
    LIMBECK_ASSIGN_OR_RETURN(const Counters counters, Decode<Counters>(*expected));
    transaction.set_counters(counters);
  }
  for (Waiting* waiting : group) {
    if (waiting->request->prefetch == nullptr) continue;
    LIMBECK_RETURN_IF_ERROR(waiting->request->prefetch(&transaction));
  }
  for (Waiting* waiting : group) {
    transaction.Mark();
    waiting->status = waiting->request->apply(&transaction);
    if (!waiting->status.ok()) transaction.RollBack();
  }
  if (!transaction.HasWrites()) {
    // Answers that rest on remembered rows hold only if nobody has written since.
    LIMBECK_ASSIGN_OR_RETURN(const std::optional<std::string> now,
                             engine_->Get(kMetaTable, kCountersKey));
    return now == expected ? absl::OkStatus() : absl::AbortedError("written in between");
  }

  ++transaction.counters().version;
  const std::string counters = Encode(transaction.counters());
  HotRows accounts = transaction.AccountWrites();
  kv::WriteBatch batch = transaction.TakeBatch();
  batch.Put(kMetaTable, kCountersKey, counters);
  if (expected.has_value()) {
    batch.ExpectValue(kMetaTable, kCountersKey, *expected);
  } else {
    batch.ExpectAbsent(kMetaTable, kCountersKey);
  }
  LIMBECK_RETURN_IF_ERROR(engine_->Write(batch));
  counters_bytes_ = counters;
  if (hot_accounts_.size() + accounts.size() > kMaxHotAccounts) hot_accounts_.clear();
  for (auto& [name, row] : accounts) hot_accounts_.insert_or_assign(name, std::move(row));
  return absl::OkStatus();
}

}  // namespace limbeck::cache
