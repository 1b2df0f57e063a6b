// The only door to HTTP servers: teachers today, object stores later. The real implementation is
// CurlTransport; tests script replies through a fake of this interface.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace limbeck::http {

// Shown nowhere: see base/secret.h for values inside `Header::value` that must not be printed.
struct Header {
  std::string name;
  std::string value;
};

struct Request {
  std::string method = "POST";
  std::string url;  // Absolute, http or https, no userinfo.
  std::vector<Header> headers;
  std::string body;
  absl::Duration connect_timeout = absl::Seconds(5);
  // From start to the last byte of the answer.
  absl::Duration total_timeout = absl::Seconds(600);
  // From sending the request to the first byte of the answer; zero: `idle_timeout`.
  absl::Duration first_byte_timeout;
  // Without a byte received for this long after the request was sent, the transfer fails.
  absl::Duration idle_timeout = absl::Seconds(120);
  // Answers longer than this fail with RESOURCE_EXHAUSTED; decompressed bytes count.
  size_t max_response_bytes = 64u << 20;
  // Setting it ends the transfer early, with CANCELLED, within 50 ms. Null: it is never wanted.
  std::shared_ptr<const std::atomic<bool>> cancelled;
};

struct Response {
  int status_code = 0;  // 200, 429, …
  std::vector<Header> headers;
  std::string body;
  absl::Duration elapsed;

  // First header of that name, compared without case; empty when absent.
  std::string_view header(std::string_view name) const;
};

// What became of a transfer that has no complete answer. The difference decides whether the call
// may have been billed.
enum class Delivery {
  kNotSent,  // No byte of the request left this process (refused, no route, DNS, full pool).
  kUnknown,  // The request, or part of it, was sent; no complete answer arrived.
  kAnswered  // A complete answer arrived, whatever its status code.
};

struct Outcome {
  Delivery delivery = Delivery::kNotSent;
  // OK exactly when `delivery` is kAnswered. UNAVAILABLE: connect or read failure.
  // DEADLINE_EXCEEDED: a timeout. RESOURCE_EXHAUSTED: answer too large. CANCELLED: shut down, or
  // not wanted any more.
  absl::Status status;
  Response response;
};

// Thread-safe.
class Transport {
 public:
  using Done = std::function<void(Outcome)>;

  virtual ~Transport() = default;

  // Starts a transfer and returns at once. `done` is called exactly once, on a thread of the
  // transport's own, and must not block: hand real work to another thread. Redirects are not
  // followed; proxy environment variables are ignored; certificates are verified.
  virtual void Start(Request request, Done done) = 0;

  // Transfers started and not yet done.
  virtual size_t in_flight() const = 0;
};

struct CurlTransportOptions {
  // Transfers running at once; further ones wait in a queue of the transport.
  size_t max_in_flight = 4096;
  size_t max_connections_per_host = 512;
  bool http2 = true;
  std::string user_agent = "limbeck/0.1";
};

// One event-loop thread on libcurl's multi interface. The destructor cancels what is in flight
// (each `done` gets CANCELLED) and joins.
absl::StatusOr<std::unique_ptr<Transport>> NewCurlTransport(const CurlTransportOptions& options);

}  // namespace limbeck::http
