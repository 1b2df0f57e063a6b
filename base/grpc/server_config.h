// From the operator's configuration to a server's options.
#pragma once

#include "absl/status/statusor.h"
#include "base/grpc/server.h"
#include "base/secret.h"
#include "limbeck/v1/config.pb.h"

namespace limbeck::rpc {

// Reads the secret that `source` names. INVALID_ARGUMENT when it names none.
absl::StatusOr<Secret> ReadSecret(const v1::SecretSource& source);

// Errors are those of reading the token. Contradictions between options are Server::Start's to
// find.
absl::StatusOr<ServerOptions> ToServerOptions(const v1::ServerConfig& config);

}  // namespace limbeck::rpc
