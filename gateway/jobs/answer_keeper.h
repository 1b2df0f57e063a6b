// Settles claims with the cache: paid answers are committed in batches and tried again until they
// are stored; claims without an answer are released.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <string>
#include <thread>
#include <variant>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "cache/client/cache_client.h"
#include "gateway/jobs/job_context.h"

namespace limbeck::gateway {

struct Settlement {
  std::variant<cache::CommitItem, cache::ReleaseItem> what;
  // Called on the keeper's thread once the cache has it durably, or with the error that made the
  // keeper give up.
  std::function<void(const absl::Status&)> done;
};

// Thread-safe. Its users bound what is in it by bounding their claims.
class AnswerKeeper {
 public:
  // Answers that come while a batch is at the cache make the next one; none waits for company,
  // since a paid answer that is not stored is bought again after a crash. `on_trouble` is called,
  // on the keeper's thread, with each error that makes it try again.
  AnswerKeeper(const JobContext& context, std::function<void(const absl::Status&)> on_trouble);
  // Settles what was added, then joins.
  ~AnswerKeeper();
  AnswerKeeper(const AnswerKeeper&) = delete;
  AnswerKeeper& operator=(const AnswerKeeper&) = delete;

  void Add(Settlement settlement);
  // From now on gives up on a batch after `patience` instead of never: for a process that must end.
  // What was not settled then becomes ambiguous in the ledger at the next start.
  void Hurry(absl::Duration patience);

 private:
  void Work();
  void Settle(std::vector<Settlement> batch);
  absl::Status UntilStored(const std::function<absl::Status()>& call);

  const JobContext& context_;
  const std::function<void(const absl::Status&)> on_trouble_;
  absl::Mutex mu_;
  std::deque<Settlement> queue_ ABSL_GUARDED_BY(mu_);
  bool closing_ ABSL_GUARDED_BY(mu_) = false;
  absl::Duration patience_ ABSL_GUARDED_BY(mu_) = absl::InfiniteDuration();
  std::thread thread_;
};

}  // namespace limbeck::gateway
