// The life of a gRPC server: safe to start, healthy, inspectable, and stopped without cutting
// calls.
#pragma once

#include <grpcpp/server.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/grpc/bearer_token.h"

namespace limbeck::rpc {

struct ServerOptions {
  // "host:port", "[v6]:port" or "unix:/path"; port 0 takes a free one.
  std::string address = "127.0.0.1:0";
  // PEM files. Certificate and key together turn TLS on; with a client CA, clients have to show a
  // certificate that it signed.
  std::string tls_certificate_file;
  std::string tls_key_file;
  std::string tls_client_ca_file;
  // Tokens that may call, one a line (see TokenFileAuthenticator); or a check of your own, which
  // has precedence. Without either every caller is let in.
  std::string token_file;
  Authenticator authenticate;
  // Lets a server listen beyond this machine without TLS or without knowing its callers.
  bool insecure = false;

  // Largest message in either direction, bytes.
  int max_message_bytes = 16 << 20;
  // Calls at once on one connection.
  int max_streams_per_connection = 1024;
  // A silent peer is asked after the first and dropped after the second.
  absl::Duration keepalive_time = absl::Seconds(60);
  absl::Duration keepalive_timeout = absl::Seconds(20);
  // Clients that ask more often than this are dropped.
  absl::Duration min_ping_interval = absl::Seconds(10);
  // After this a connection takes no new calls, so that clients spread over servers again; running
  // calls get the grace. Infinite: never.
  absl::Duration max_connection_age = absl::InfiniteDuration();
  absl::Duration max_connection_age_grace = absl::Minutes(10);
};

// Thread-safe.
class Server {
 public:
  // Serves `services`, which must outlive the server, with the standard health service and
  // reflection. All services are SERVING at once. Errors: INVALID_ARGUMENT (options that contradict
  // each other or would expose the server; the message says what to set), UNAVAILABLE (the address
  // cannot be listened on), and those of reading the files.
  static absl::StatusOr<std::unique_ptr<Server>> Start(const ServerOptions& options,
                                                       const std::vector<grpc::Service*>& services);

  // Shuts down at once.
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // The port listened on; 1 for unix sockets.
  int port() const { return port_; }
  // Where a client on this machine finds the server.
  std::string local_target() const;

  // What the health service answers for `service` ("limbeck.v1.CacheService"; "" for the whole).
  void SetServing(const std::string& service, bool serving);

  // Says NOT_SERVING, takes no new calls, and gives running ones until `grace` has passed before it
  // cancels them. Returns when all handlers have ended. Idempotent.
  void Shutdown(absl::Duration grace);

 private:
  Server(std::unique_ptr<grpc::Server> server, const std::string& address, int port)
      : server_(std::move(server)), address_(address), port_(port) {}

  const std::unique_ptr<grpc::Server> server_;
  const std::string address_;
  const int port_;
};

// Whether only this machine reaches `address`.
bool IsLoopbackAddress(std::string_view address);

}  // namespace limbeck::rpc
