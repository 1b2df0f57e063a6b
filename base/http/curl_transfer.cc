#include "base/http/curl_transfer.h"

#include <sys/socket.h>

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "base/http/target.h"
#include "base/string_view.h"

namespace limbeck::http {
namespace {

bool HasControlCharacter(std::string_view text) {
  return std::any_of(text.begin(), text.end(),
                     [](unsigned char c) { return (c < 0x20 && c != '\t') || c == 0x7f; });
}

bool IsHeaderName(std::string_view name) {
  return !name.empty() && std::all_of(name.begin(), name.end(), [](unsigned char c) {
    return absl::ascii_isalnum(c) ||
           std::string_view("!#$%&'*+-.^_`|~").find(static_cast<char>(c)) != std::string_view::npos;
  });
}

long Milliseconds(absl::Duration duration) {
  // libcurl reads 0 as "no limit".
  return std::max<long>(
      1, static_cast<long>(std::min<int64_t>(absl::ToInt64Milliseconds(duration), 1'000'000'000)));
}

// A method that a server may be asked twice without harm or cost.
bool MayBeSentTwice(std::string_view method) { return method == "GET" || method == "HEAD"; }

// Called with the address that a name or a spelling of a number came to, right before connecting,
// so that no name server can give another one afterwards.
curl_socket_t OpenSocket(void*, curlsocktype, curl_sockaddr* address) {
  if (IsForbiddenTarget(address->addr)) return CURL_SOCKET_BAD;
  return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

}  // namespace

absl::StatusOr<std::string> OriginOf(std::string_view url) {
  const size_t scheme_end = url.find("://");
  const std::string scheme =
      absl::AsciiStrToLower(ToAbsl(scheme_end == url.npos ? "" : url.substr(0, scheme_end)));
  if (scheme != "http" && scheme != "https") {
    return absl::InvalidArgumentError("URL must start with http:// or https://");
  }
  const std::string_view rest = url.substr(scheme_end + 3);
  const std::string_view authority = rest.substr(0, rest.find_first_of("/?#"));
  if (authority.empty()) return absl::InvalidArgumentError("URL has no host");
  if (authority.find('@') != authority.npos) {
    return absl::InvalidArgumentError("URL must not carry a user name or password");
  }
  if (HasControlCharacter(url) || url.find(' ') != url.npos) {
    return absl::InvalidArgumentError("URL contains a space or control character");
  }
  return absl::StrCat(scheme, "://", absl::AsciiStrToLower(ToAbsl(authority)));
}

absl::Status ValidateRequest(const Request& request) {
  if (absl::StatusOr<std::string> origin = OriginOf(request.url); !origin.ok()) {
    return origin.status();
  }
  if (!IsHeaderName(request.method)) return absl::InvalidArgumentError("bad HTTP method");
  for (const Header& header : request.headers) {
    if (!IsHeaderName(header.name)) return absl::InvalidArgumentError("bad HTTP header name");
    if (HasControlCharacter(header.value)) {
      // The value may be a key: it is not shown.
      return absl::InvalidArgumentError(
          absl::StrCat("control character in the value of HTTP header ", header.name));
    }
  }
  return absl::OkStatus();
}

CurlTransfer::CurlTransfer() : handle_(curl_easy_init()) {}

CurlTransfer::~CurlTransfer() {
  curl_easy_cleanup(handle_);
  curl_slist_free_all(header_list_);
}

absl::Status CurlTransfer::Prepare(Request request, Transport::Done done,
                                   const CurlTransportOptions& options, absl::Duration remaining) {
  if (handle_ == nullptr) return absl::ResourceExhaustedError("libcurl gave no easy handle");
  request_ = std::move(request);
  done_ = std::move(done);
  response_ = Response();
  received_bytes_ = 0;
  requests_begun_ = 0;
  too_large_ = false;
  sink_status_ = absl::OkStatus();
  resend_refused_ = false;
  progress_seen_ = -1;
  error_[0] = '\0';
  started_ = last_progress_ = absl::Now();
  deadline_ = started_ + remaining;

  curl_easy_reset(handle_);
  curl_easy_setopt(handle_, CURLOPT_PRIVATE, this);
  curl_easy_setopt(handle_, CURLOPT_ERRORBUFFER, error_);
  curl_easy_setopt(handle_, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(handle_, CURLOPT_PROXY, "");
  curl_easy_setopt(handle_, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(handle_, CURLOPT_FOLLOWLOCATION, 0L);
  curl_easy_setopt(handle_, CURLOPT_OPENSOCKETFUNCTION, &OpenSocket);
  curl_easy_setopt(handle_, CURLOPT_ACCEPT_ENCODING, "gzip, deflate");
  curl_easy_setopt(handle_, CURLOPT_HTTP_VERSION,
                   options.http2 ? CURL_HTTP_VERSION_2TLS : CURL_HTTP_VERSION_1_1);
  curl_easy_setopt(handle_, CURLOPT_PIPEWAIT, options.http2 ? 1L : 0L);
  curl_easy_setopt(handle_, CURLOPT_USERAGENT, options.user_agent.c_str());
  curl_easy_setopt(handle_, CURLOPT_CONNECTTIMEOUT_MS, Milliseconds(request_.connect_timeout));
  curl_easy_setopt(handle_, CURLOPT_TIMEOUT_MS, Milliseconds(remaining));
  curl_easy_setopt(handle_, CURLOPT_WRITEFUNCTION, &OnBody);
  curl_easy_setopt(handle_, CURLOPT_WRITEDATA, this);
  curl_easy_setopt(handle_, CURLOPT_HEADERFUNCTION, &OnHeader);
  curl_easy_setopt(handle_, CURLOPT_HEADERDATA, this);
  curl_easy_setopt(handle_, CURLOPT_PREREQFUNCTION, &OnBeforeRequest);
  curl_easy_setopt(handle_, CURLOPT_PREREQDATA, this);
  if (curl_easy_setopt(handle_, CURLOPT_URL, request_.url.c_str()) != CURLE_OK) {
    return absl::ResourceExhaustedError("libcurl refused the URL");
  }
  SetMethodAndBody();
  return SetHeaders();
}

void CurlTransfer::SetMethodAndBody() {
  if (request_.method == "HEAD") {
    curl_easy_setopt(handle_, CURLOPT_NOBODY, 1L);
    return;
  }
  if (request_.method == "GET" && request_.body.empty()) {
    curl_easy_setopt(handle_, CURLOPT_HTTPGET, 1L);
    return;
  }
  if (request_.method == "POST" || !request_.body.empty()) {
    // The body stays in request_, which outlives the transfer: libcurl does not copy it.
    curl_easy_setopt(handle_, CURLOPT_POSTFIELDSIZE_LARGE,
                     static_cast<curl_off_t>(request_.body.size()));
    curl_easy_setopt(handle_, CURLOPT_POSTFIELDS, request_.body.data());
  }
  if (request_.method != "POST") {
    curl_easy_setopt(handle_, CURLOPT_CUSTOMREQUEST, request_.method.c_str());
  }
}

absl::Status CurlTransfer::SetHeaders() {
  curl_slist_free_all(header_list_);
  header_list_ = nullptr;
  bool has_content_type = false;
  std::vector<std::string> lines;
  for (const Header& header : request_.headers) {
    has_content_type = has_content_type || absl::EqualsIgnoreCase(header.name, "content-type");
    // "Name;" is libcurl's way to send a header with an empty value.
    lines.push_back(header.value.empty() ? absl::StrCat(header.name, ";")
                                         : absl::StrCat(header.name, ": ", header.value));
  }
  lines.push_back("Expect:");
  if (!has_content_type) lines.push_back("Content-Type:");
  for (const std::string& line : lines) {
    curl_slist* longer = curl_slist_append(header_list_, line.c_str());
    if (longer == nullptr) return absl::ResourceExhaustedError("no memory for HTTP headers");
    header_list_ = longer;
  }
  curl_easy_setopt(handle_, CURLOPT_HTTPHEADER, header_list_);
  return absl::OkStatus();
}

bool CurlTransfer::CountBytes(size_t bytes) {
  received_bytes_ += bytes;
  too_large_ = received_bytes_ > request_.max_response_bytes;
  return !too_large_;
}

// Doubles until doubling comes near the limit, then takes the limit at once: a step from just below
// it would hold nearly twice as much while it copies.
void CurlTransfer::GrowFor(size_t bytes, size_t limit, std::string* body) {
  const size_t needed = body->size() + bytes;
  if (needed <= body->capacity()) return;
  const size_t doubled = std::max(needed, 2 * body->capacity());
  body->reserve(doubled > limit / 2 ? std::max(limit, needed) : doubled);
}

size_t CurlTransfer::OnBody(char* data, size_t size, size_t count, void* self) {
  auto* transfer = static_cast<CurlTransfer*>(self);
  const size_t bytes = size * count;
  if (!transfer->CountBytes(bytes)) return 0;
  if (transfer->request_.sink != nullptr) {
    long status_code = 0;
    curl_easy_getinfo(transfer->handle_, CURLINFO_RESPONSE_CODE, &status_code);
    if (status_code == 200) {
      transfer->sink_status_ = transfer->request_.sink({data, bytes});
      return transfer->sink_status_.ok() ? bytes : 0;
    }
  }
  std::string& body = transfer->response_.body;
  if (body.empty()) {
    curl_off_t announced = -1;
    curl_easy_getinfo(transfer->handle_, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &announced);
    // One allocation for a plain body; the cap keeps a lying server from making us reserve more.
    if (announced > 0) {
      body.reserve(
          std::min<size_t>(static_cast<size_t>(announced), transfer->request_.max_response_bytes));
    }
  }
  GrowFor(bytes, transfer->request_.max_response_bytes, &body);
  body.append(data, bytes);
  return bytes;
}

size_t CurlTransfer::OnHeader(char* data, size_t size, size_t count, void* self) {
  auto* transfer = static_cast<CurlTransfer*>(self);
  const size_t bytes = size * count;
  if (!transfer->CountBytes(bytes)) return 0;
  const absl::string_view line = absl::StripAsciiWhitespace(absl::string_view(data, bytes));
  // A status line opens a new block: what came before was an interim (1xx) answer.
  if (absl::StartsWith(line, "HTTP/")) {
    transfer->response_.headers.clear();
    return bytes;
  }
  const size_t colon = line.find(':');
  if (colon != line.npos) {
    transfer->response_.headers.push_back(
        {std::string(absl::StripAsciiWhitespace(line.substr(0, colon))),
         std::string(absl::StripAsciiWhitespace(line.substr(colon + 1)))});
  }
  return bytes;
}

int CurlTransfer::OnBeforeRequest(void* self, char*, char*, int, int) {
  auto* transfer = static_cast<CurlTransfer*>(self);
  // libcurl sends a request again on its own when a reused connection dies before the first byte
  // of the answer. The server may have served, and billed, the first copy.
  if (transfer->requests_begun_++ > 0 && transfer->RequestLeft() &&
      !MayBeSentTwice(transfer->request_.method)) {
    transfer->resend_refused_ = true;
    return CURL_PREREQFUNC_ABORT;
  }
  return CURL_PREREQFUNC_OK;
}

bool CurlTransfer::RequestLeft() const {
  long request_bytes = 0;
  curl_off_t uploaded = 0;
  curl_easy_getinfo(handle_, CURLINFO_REQUEST_SIZE, &request_bytes);
  curl_easy_getinfo(handle_, CURLINFO_SIZE_UPLOAD_T, &uploaded);
  return request_bytes > 0 || uploaded > 0 || received_bytes_ > 0;
}

bool CurlTransfer::multiplexed() const {
  long version = 0;
  curl_easy_getinfo(handle_, CURLINFO_HTTP_VERSION, &version);
  return version == CURL_HTTP_VERSION_2_0 || version == CURL_HTTP_VERSION_3;
}

absl::Status CurlTransfer::CheckTimeouts(absl::Time now) {
  if (request_.cancelled != nullptr && request_.cancelled->load()) {
    return absl::CancelledError("the answer is not wanted any more");
  }
  if (now >= deadline_) return absl::DeadlineExceededError("total timeout");
  long request_bytes = 0;
  curl_off_t uploaded = 0;
  curl_easy_getinfo(handle_, CURLINFO_REQUEST_SIZE, &request_bytes);
  curl_easy_getinfo(handle_, CURLINFO_SIZE_UPLOAD_T, &uploaded);
  const curl_off_t progress = request_bytes + uploaded + static_cast<curl_off_t>(received_bytes_);
  // Until something was sent the connect timeout is the one that counts.
  if (progress != progress_seen_ || progress == 0) {
    progress_seen_ = progress;
    last_progress_ = now;
    return absl::OkStatus();
  }
  const bool silent = received_bytes_ == 0 && request_.first_byte_timeout > absl::ZeroDuration();
  const absl::Duration limit = silent ? request_.first_byte_timeout : request_.idle_timeout;
  if (now - last_progress_ < limit) return absl::OkStatus();
  return absl::DeadlineExceededError(absl::StrCat("no byte for ", absl::FormatDuration(limit)));
}

Outcome CurlTransfer::Finish(CURLcode code) {
  if (code == CURLE_OK) {
    Outcome outcome;
    outcome.delivery = Delivery::kAnswered;
    long status_code = 0;
    curl_easy_getinfo(handle_, CURLINFO_RESPONSE_CODE, &status_code);
    response_.status_code = static_cast<int>(status_code);
    response_.elapsed = absl::Now() - started_;
    outcome.response = std::move(response_);
    return outcome;
  }
  if (too_large_) {
    return Abandon(absl::ResourceExhaustedError(
        absl::StrCat("answer is longer than max_response_bytes = ", request_.max_response_bytes)));
  }
  if (!sink_status_.ok()) return Abandon(sink_status_);
  if (resend_refused_) {
    return Abandon(absl::UnavailableError("connection died after the request was sent"));
  }
  const std::string message = error_[0] != '\0' ? error_ : curl_easy_strerror(code);
  if (code == CURLE_OPERATION_TIMEDOUT) return Abandon(absl::DeadlineExceededError(message));
  return Abandon(absl::UnavailableError(message));
}

Outcome CurlTransfer::Abandon(absl::Status status) {
  Outcome outcome;
  outcome.delivery = RequestLeft() ? Delivery::kUnknown : Delivery::kNotSent;
  outcome.status = std::move(status);
  outcome.response.elapsed = absl::Now() - started_;
  // This object is used again, perhaps much later: half an answer is not kept until then.
  response_ = Response();
  return outcome;
}

}  // namespace limbeck::http
