// The reading side of StreamPacks.
#pragma once

#include <grpcpp/channel.h>

#include <memory>

#include "cache/client/cache_client.h"

namespace limbeck::cache {

// Opens a stream; a thread reads ahead, as far as the window lets the server send. Errors of
// opening come from the first Next.
std::unique_ptr<ItemStream> OpenItemStream(const std::shared_ptr<grpc::Channel>& channel,
                                           const StreamOptions& options);

}  // namespace limbeck::cache
