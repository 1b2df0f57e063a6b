// Statuses on the wire. The only place where absl::Status and grpc::Status meet.
#pragma once

#include <grpcpp/support/status.h>

#include "absl/status/status.h"

namespace limbeck::rpc {

// Carries field violations and the reason (base/error_details.h) as google.rpc.BadRequest and
// ErrorInfo in the binary details trailer. Known secrets are replaced. Trailers have to stay under
// the 8 KiB that foreign clients accept: a long message is cut, and violations past the limit are
// counted in a last one.
grpc::Status ToGrpc(const absl::Status& status);

// The reverse; details of other kinds, or malformed ones, are dropped.
absl::Status FromGrpc(const grpc::Status& status);

}  // namespace limbeck::rpc
