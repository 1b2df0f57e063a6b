#include <memory>

#include "absl/synchronization/notification.h"
#include "base/status.h"
#include "cache/ledger/claims.h"
#include "cache/ledger/ledger.h"
#include "cache/ledger/requests.h"

namespace limbeck::cache {
namespace {

// Rows of a commit beside its record, about.
constexpr size_t kRowBytes = 512;

// One call from its start to its answer.
struct PendingCommit {
  std::string domain;
  std::vector<CommitItem> items;
  std::vector<CheckedCommit> checked;
  WriteRequest write;
  std::vector<CommitOutcome> outcomes;
  ClaimChanges changes;
};

}  // namespace

void Ledger::CommitAsync(std::string domain, std::vector<CommitItem> items, CommitDone done) {
  auto pending = std::make_unique<PendingCommit>();
  pending->domain = std::move(domain);
  pending->items = std::move(items);
  auto checked = CheckCommit(pending->domain, pending->items, options_.max_commit_bytes);
  if (!checked.ok()) return done(checked.status());
  pending->checked = *std::move(checked);

  WriteRequest& write = pending->write;
  std::vector<std::string> item_keys, row_keys;
  for (const CommitItem& item : pending->items) {
    item_keys.push_back(ItemKey(pending->domain, item.key));
    row_keys.push_back(NumberKey(item.fence));
    write.bytes += item.record.size() + kRowBytes;
  }
  write.reads = {{kIndexTable, item_keys},
                 {kClaimTable, std::move(item_keys)},
                 {kLedgerTable, std::move(row_keys)}};
  PendingCommit* const raw = pending.release();  // `write.done` owns it.
  write.apply = [this, raw](Transaction* transaction) -> absl::Status {
    raw->outcomes.clear();
    raw->changes = {};
    TeacherStatsByName stats;
    const int64_t now = absl::ToUnixMicros(clock_->WallNow());
    for (const CheckedCommit& item : raw->checked) {
      LIMBECK_ASSIGN_OR_RETURN(
          const CommitOutcome outcome,
          CommitOne(transaction, raw->domain, item, now, &raw->changes, &stats));
      raw->outcomes.push_back(outcome);
    }
    return AddTeacherStats(transaction, raw->domain, stats);
  };
  write.done = [this, raw, done = std::move(done)](const absl::Status& status) {
    const std::unique_ptr<PendingCommit> owned(raw);
    if (!status.ok()) return done(status);
    for (const uint64_t fence : owned->changes.ended) deadlines_.Forget(fence);
    done(std::move(owned->outcomes));
  };
  writer_.Submit(&write);
}

absl::StatusOr<std::vector<CommitOutcome>> Ledger::Commit(const std::string& domain,
                                                          const std::vector<CommitItem>& items) {
  absl::StatusOr<std::vector<CommitOutcome>> outcomes;
  absl::Notification answered;
  CommitAsync(domain, items, [&](absl::StatusOr<std::vector<CommitOutcome>> answer) {
    outcomes = std::move(answer);
    answered.Notify();
  });
  answered.WaitForNotification();
  return outcomes;
}

}  // namespace limbeck::cache
