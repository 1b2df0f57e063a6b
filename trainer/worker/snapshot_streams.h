// Streams of a snapshot that can all be ended from another thread.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "cache/client/cache_client.h"

namespace limbeck::trainer {

// Thread-safe. Streams may outlive this object.
class SnapshotStreams {
 public:
  // `client` must outlive this.
  explicit SnapshotStreams(cache::CacheClient* client) : client_(client) {}

  // As CacheClient::Stream; CANCELLED after Cancel.
  absl::StatusOr<std::unique_ptr<cache::ItemStream>> Open(const cache::StreamOptions& options);

  // Ends every open stream and refuses new ones. Idempotent.
  void Cancel();

 private:
  cache::CacheClient* const client_;
  absl::Mutex mu_;
  bool cancelled_ ABSL_GUARDED_BY(mu_) = false;
  std::vector<std::weak_ptr<cache::ItemStream>> open_ ABSL_GUARDED_BY(mu_);
};

}  // namespace limbeck::trainer
