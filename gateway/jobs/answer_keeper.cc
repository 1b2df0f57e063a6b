#include "gateway/jobs/answer_keeper.h"

#include <algorithm>
#include <utility>

#include "base/hash.h"
#include "base/log.h"

namespace limbeck::gateway {
namespace {

// Refusals that a further try cannot change.
bool IsHopeless(const absl::Status& status) {
  return absl::IsInvalidArgument(status) || absl::IsNotFound(status) ||
         absl::IsFailedPrecondition(status) || absl::IsPermissionDenied(status) ||
         absl::IsUnauthenticated(status) || absl::IsUnimplemented(status);
}

}  // namespace

AnswerKeeper::AnswerKeeper(const JobContext& context,
                           std::function<void(const absl::Status&)> on_trouble)
    : context_(context), on_trouble_(std::move(on_trouble)), thread_([this] { Work(); }) {}

AnswerKeeper::~AnswerKeeper() {
  {
    absl::MutexLock lock(&mu_);
    closing_ = true;
  }
  thread_.join();
}

void AnswerKeeper::Add(Settlement settlement) {
  absl::MutexLock lock(&mu_);
  queue_.push_back(std::move(settlement));
}

void AnswerKeeper::Hurry(absl::Duration patience) {
  absl::MutexLock lock(&mu_);
  patience_ = patience;
}

void AnswerKeeper::Work() {
  const auto has_some = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    return closing_ || !queue_.empty();
  };
  while (true) {
    std::vector<Settlement> batch;
    {
      absl::MutexLock lock(&mu_);
      mu_.Await(absl::Condition(&has_some));
      if (queue_.empty()) return;
      const size_t size = std::min(queue_.size(), context_.harvest.max_commit_batch);
      for (size_t i = 0; i < size; ++i) {
        batch.push_back(std::move(queue_.front()));
        queue_.pop_front();
      }
    }
    Settle(std::move(batch));
  }
}

absl::Status AnswerKeeper::UntilStored(const std::function<absl::Status()>& call) {
  Backoff backoff(context_.harvest.retry, StableRandom(Xxh3(RandomBytes(8)), 0));
  absl::Duration waited;
  while (true) {
    absl::Status status = call();
    if (status.ok()) return status;
    LIMBECK_LOG(WARNING) << "an answer is not stored yet" << LogField("why", status);
    on_trouble_(status);
    const absl::Duration delay = backoff.Next();
    waited += delay;
    absl::MutexLock lock(&mu_);
    if (IsHopeless(status) || waited > patience_) return status;
    // Patience may end while this waits.
    const auto impatient = [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) { return waited > patience_; };
    mu_.AwaitWithTimeout(absl::Condition(&impatient), delay);
  }
}

void AnswerKeeper::Settle(std::vector<Settlement> batch) {
  std::vector<cache::CommitItem> commits;
  std::vector<cache::ReleaseItem> releases;
  for (Settlement& settlement : batch) {
    if (auto* commit = std::get_if<cache::CommitItem>(&settlement.what)) {
      commits.push_back(std::move(*commit));
    } else {
      releases.push_back(std::get<cache::ReleaseItem>(settlement.what));
    }
  }
  absl::Status committed;
  absl::Status released;
  if (!commits.empty()) {
    committed =
        UntilStored([&] { return context_.cache->Commit(context_.domain, commits).status(); });
  }
  if (!releases.empty()) {
    released =
        UntilStored([&] { return context_.cache->Release(context_.domain, releases).status(); });
  }
  for (const Settlement& settlement : batch) {
    const bool commit = std::holds_alternative<cache::CommitItem>(settlement.what);
    settlement.done(commit ? committed : released);
  }
}

}  // namespace limbeck::gateway
