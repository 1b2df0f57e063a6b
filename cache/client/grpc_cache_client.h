// CacheClient over gRPC.
#pragma once

#include <grpcpp/channel.h>

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/backoff.h"
#include "base/clock.h"
#include "base/grpc/channel.h"
#include "cache/client/cache_client.h"

namespace limbeck::cache {

struct CacheClientOptions {
  // A call with all its attempts; after that it is UNAVAILABLE.
  absl::Duration deadline = absl::Seconds(30);
  // One attempt; a connection that went silent is given up after this.
  absl::Duration attempt_timeout = absl::Seconds(10);
  BackoffPolicy backoff = {absl::Milliseconds(50), absl::Seconds(2)};
  // Borrowed; must outlive the client.
  Clock* clock = Clock::Real();
};

// Attempts that ended with UNAVAILABLE or ran out of time are made again until the deadline: every
// call but CreateSnapshot is idempotent (Acquire and Release by their request ids). CreateSnapshot
// is tried once, since its items cannot be asked for twice.
std::unique_ptr<CacheClient> NewCacheClient(std::shared_ptr<grpc::Channel> channel,
                                            const CacheClientOptions& options = {});

// Connects lazily; errors as of rpc::NewChannel.
absl::StatusOr<std::unique_ptr<CacheClient>> NewCacheClient(
    const std::string& target, const rpc::ChannelOptions& channel_options = {},
    const CacheClientOptions& options = {});

}  // namespace limbeck::cache
