// Channels to our servers, with the limits and credentials that go with them.
#pragma once

#include <grpcpp/channel.h>

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/secret.h"

namespace limbeck::rpc {

struct ChannelOptions {
  // TLS, with the system's certificate authorities unless `tls_ca_file` names others.
  bool tls = false;
  std::string tls_ca_file;
  // Shown to servers that ask for a client certificate; both or neither.
  std::string tls_certificate_file;
  std::string tls_key_file;
  // Sent with every call when not empty.
  Secret token;

  // Largest message in either direction, bytes.
  int max_message_bytes = 16 << 20;
  absl::Duration keepalive_time = absl::Seconds(60);
  absl::Duration keepalive_timeout = absl::Seconds(20);
  // Longest wait before a server that is away is connected to again; at least 100 ms. Waits begin
  // with a second. gRPC's own two minutes would go on for long after the server is back.
  absl::Duration max_reconnect_wait = absl::Seconds(5);
  // Calls that find no server are made again, three times within about a second, before they fail:
  // for callers whose calls may be repeated. A server that is starting is then no error; nor is a
  // connection that gRPC 1.51 gives up by mistake, taking a library's leftover errno for its own.
  bool try_again = false;
};

// Connects lazily, and again after failures. `target` is "host:port", "unix:/path" or a name that
// gRPC resolves ("dns:///…"), whose addresses are used in turn. INVALID_ARGUMENT where a token
// would travel in clear text beyond this machine.
absl::StatusOr<std::shared_ptr<grpc::Channel>> NewChannel(const std::string& target,
                                                          const ChannelOptions& options = {});

}  // namespace limbeck::rpc
