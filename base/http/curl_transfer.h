// One request on one libcurl easy handle. Used by CurlTransport's loop thread only.
#pragma once

#include <curl/curl.h>

#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "base/http/transport.h"

namespace limbeck::http {

// "https://host:port" of an absolute http or https URL, in lower case; INVALID_ARGUMENT when the
// URL is not one, or carries userinfo or control characters.
absl::StatusOr<std::string> OriginOf(std::string_view url);

// Refuses header names and values that would break out of their line, and bad URLs.
absl::Status ValidateRequest(const Request& request);

class CurlTransfer {
 public:
  CurlTransfer();
  ~CurlTransfer();
  CurlTransfer(const CurlTransfer&) = delete;
  CurlTransfer& operator=(const CurlTransfer&) = delete;

  // Makes the handle ready for `request`; whatever it carried before is forgotten, its connections
  // live on in the multi handle. `remaining` is what is left of the total timeout.
  absl::Status Prepare(Request request, Transport::Done done, const CurlTransportOptions& options,
                       absl::Duration remaining);

  CURL* handle() const { return handle_; }
  const std::string& origin() const { return origin_; }
  void set_origin(std::string origin) { origin_ = std::move(origin); }
  bool multiplexed() const;

  // The idle and total timeouts as seen by the owner's clock; OK while the transfer may go on.
  absl::Status CheckTimeouts(absl::Time now);

  // The verdict on a transfer that libcurl ended with `code`.
  Outcome Finish(CURLcode code);
  // The verdict on a transfer that the owner ended with `status`.
  Outcome Abandon(absl::Status status);

  // Hands out the callback; valid once per Prepare.
  Transport::Done TakeDone() { return std::move(done_); }

 private:
  static void GrowFor(size_t bytes, size_t limit, std::string* body);
  static size_t OnBody(char* data, size_t size, size_t count, void* self);
  static size_t OnHeader(char* data, size_t size, size_t count, void* self);
  static int OnBeforeRequest(void* self, char* remote_ip, char* local_ip, int remote_port,
                             int local_port);

  void SetMethodAndBody();
  absl::Status SetHeaders();
  bool CountBytes(size_t bytes);
  bool RequestLeft() const;

  CURL* handle_;
  curl_slist* header_list_ = nullptr;
  Request request_;
  Transport::Done done_;
  std::string origin_;
  Response response_;
  size_t received_bytes_ = 0;
  int requests_begun_ = 0;
  bool too_large_ = false;
  absl::Status sink_status_;
  bool resend_refused_ = false;
  curl_off_t progress_seen_ = -1;
  absl::Time started_;
  absl::Time last_progress_;
  absl::Time deadline_;
  char error_[CURL_ERROR_SIZE] = "";
};

}  // namespace limbeck::http
