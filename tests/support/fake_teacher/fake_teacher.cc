#include "tests/support/fake_teacher/fake_teacher.h"

#include <atomic>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "base/hash.h"
#include "base/status.h"
#include "tests/support/fake_teacher/batches.h"
#include "tests/support/loopback_server.h"

namespace limbeck::testing {
namespace {

Ending EndingOf(FaultKind kind) {
  switch (kind) {
    case FaultKind::kResetBefore:
      return Ending::kResetBefore;
    case FaultKind::kResetMid:
      return Ending::kResetMid;
    case FaultKind::kCloseMid:
      return Ending::kCloseMid;
    case FaultKind::kHang:
      return Ending::kHang;
    default:
      return Ending::kWhole;
  }
}

class FakeTeacherServer : public FakeTeacher {
 public:
  explicit FakeTeacherServer(FakeTeacherOptions options)
      : options_(std::move(options)), invoice_(options_.invoice_path) {
    if (!options_.static_answer.empty()) {
      raw_answer_ = absl::StrCat("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n",
                                 "Content-Length: ", options_.static_answer.size(), "\r\n\r\n",
                                 options_.static_answer);
    }
  }

  absl::Status Listen() {
    LIMBECK_RETURN_IF_ERROR(invoice_.status());
    BatchScript batch;
    LIMBECK_RETURN_IF_ERROR(ReadBatchScript(nlohmann::json::parse(options_.script.batch), &batch));
    batches_.emplace(std::move(batch), [this](const std::string& body) {
      HttpRequest line;
      line.body = body;
      const HttpReply reply = AnswerCall(line);
      return TeacherAnswer{reply.status, reply.body};
    });
    LIMBECK_ASSIGN_OR_RETURN(
        server_, LoopbackServer::Start(
                     options_.port, [this](const HttpRequest& request) { return Handle(request); },
                     [this] { invoice_.Sync(); }));
    return absl::OkStatus();
  }

  int port() const override { return server_->port(); }
  std::string base_url() const override { return absl::StrCat(server_->url(), "/v1"); }
  std::vector<InvoiceLine> invoice() const override { return invoice_.lines(); }
  size_t requests() const override { return server_->requests(); }
  size_t connections() const override { return server_->connections(); }
  size_t batches() const override { return batches_created_; }

 private:
  HttpReply Handle(const HttpRequest& request);
  HttpReply AnswerCall(const HttpRequest& request);
  bool Refuse(const Fault& fault, HttpReply* reply) const;

  const FakeTeacherOptions options_;
  Invoice invoice_;
  std::string raw_answer_;
  // Loop thread only: how often each (body, idempotency key) was seen.
  absl::flat_hash_map<std::string, uint64_t> seen_;
  // Loop thread only.
  std::optional<FakeBatches> batches_;
  std::atomic<size_t> batches_created_ = 0;
  // Last, so that its thread ends before what it uses.
  std::unique_ptr<LoopbackServer> server_;
};

// Faults that are answers other than 200.
bool FakeTeacherServer::Refuse(const Fault& fault, HttpReply* reply) const {
  const bool openai = options_.mode == TeacherMode::kOpenAi;
  switch (fault.kind) {
    case FaultKind::kRateLimited:
      reply->status = 429;
      reply->body = ErrorBody(options_.mode, 429,
                              openai ? "rate_limit_exceeded" : "rate_limit_error", "scripted");
      if (!fault.retry_after.empty()) reply->headers.push_back({"Retry-After", fault.retry_after});
      return true;
    case FaultKind::kBilling:
      reply->status = openai ? 429 : 402;
      reply->body = ErrorBody(options_.mode, reply->status,
                              openai ? "insufficient_quota" : "billing_error", "scripted");
      return true;
    case FaultKind::kStatus:
      reply->status = fault.status;
      reply->body = fault.body;
      if (fault.body.empty()) {
        reply->body =
            ErrorBody(options_.mode, fault.status,
                      fault.status >= 500 ? "server_error" : "invalid_request_error", "scripted");
      }
      reply->headers.insert(reply->headers.end(), fault.headers.begin(), fault.headers.end());
      if (!fault.retry_after.empty()) reply->headers.push_back({"Retry-After", fault.retry_after});
      return true;
    default:
      return false;
  }
}

HttpReply FakeTeacherServer::Handle(const HttpRequest& request) {
  HttpReply reply;
  if (!raw_answer_.empty()) {
    reply.raw = &raw_answer_;
    reply.delay = options_.script.latency;
    return reply;
  }
  if (options_.mode == TeacherMode::kOpenAi) {
    auto handled = batches_->Handle(request);
    batches_created_ = batches_->created();
    if (handled.has_value()) return *std::move(handled);
  }
  reply.headers = {{"Content-Type", "application/json"}};
  const std::string path =
      options_.mode == TeacherMode::kOpenAi ? "/v1/chat/completions" : "/v1/messages";
  if (request.method != "POST" || request.target != path) {
    reply.status = 404;
    reply.body = ErrorBody(options_.mode, 404, "not_found_error", "no such path");
    return reply;
  }
  return AnswerCall(request);
}

HttpReply FakeTeacherServer::AnswerCall(const HttpRequest& request) {
  HttpReply reply;
  reply.headers = {{"Content-Type", "application/json"}};
  InvoiceLine line;
  line.key = Sha256Hex(request.body);
  line.idempotency_key = std::string(request.header("Idempotency-Key"));
  line.unix_millis = absl::ToUnixMillis(absl::Now());
  const uint64_t seen = seen_[absl::StrCat(line.key, line.idempotency_key)]++;
  const Fault fault = ChooseFault(options_.script, request.body, seen);
  reply.headers.push_back(
      {"x-request-id", absl::StrCat("req_", line.key.substr(0, 16), "_", seen)});
  reply.delay = ChooseLatency(options_.script, request.body, seen);
  line.note = fault.kind == FaultKind::kNone ? "served" : std::string(FaultName(fault.kind));
  if (Refuse(fault, &reply)) {
    line.status = reply.status;
    if (fault.billed) invoice_.Add(std::move(line));
    return reply;
  }
  if (fault.kind == FaultKind::kBody) {
    reply.body = fault.body;
    reply.headers.insert(reply.headers.end(), fault.headers.begin(), fault.headers.end());
    invoice_.Add(std::move(line));
    return reply;
  }
  // Without an idempotency key, repeated equal requests are separate draws.
  const std::string sample =
      line.idempotency_key.empty() ? absl::StrCat(seen) : line.idempotency_key;
  TeacherAnswer answer =
      AnswerQuery(options_.mode, options_.script, fault.kind, request.body, sample);
  reply.status = answer.status;
  reply.body = std::move(answer.body);
  reply.ending = EndingOf(fault.kind);
  if (reply.status == 200) invoice_.Add(std::move(line));
  return reply;
}

}  // namespace

absl::StatusOr<std::unique_ptr<FakeTeacher>> FakeTeacher::Start(FakeTeacherOptions options) {
  auto teacher = std::make_unique<FakeTeacherServer>(std::move(options));
  LIMBECK_RETURN_IF_ERROR(teacher->Listen());
  return teacher;
}

}  // namespace limbeck::testing
