#include "tests/support/fake_teacher/fake_teacher.h"

#include <algorithm>
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
#include "tests/support/fake_teacher/misbehave.h"
#include "tests/support/fake_teacher/shapes.h"
#include "tests/support/loopback_server.h"

namespace limbeck::testing {
namespace {

std::string KeyOf(const HttpRequest& request) {
  return absl::StrCat(Sha256Hex(request.body), std::string(request.header("Idempotency-Key")));
}

class FakeTeacherServer : public FakeTeacher {
 public:
  FakeTeacherServer(FakeTeacherOptions options, const Shape* shape)
      : options_(std::move(options)), shape_(*shape), invoice_(options_.invoice_path) {
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
      return AnswerCall(line);
    });
    LoopbackServer::Watcher watcher;
    if (raw_answer_.empty()) {
      watcher = [this](Stage stage, const HttpRequest& request) { Watch(stage, request); };
    }
    LIMBECK_ASSIGN_OR_RETURN(
        server_, LoopbackServer::Start(
                     options_.port, [this](const HttpRequest& request) { return Handle(request); },
                     [this] { invoice_.Sync(); }, std::move(watcher)));
    return absl::OkStatus();
  }

  int port() const override { return server_->port(); }
  std::string base_url() const override {
    return absl::StrCat(server_->url(), std::string(shape_.base_path()));
  }
  std::vector<InvoiceLine> invoice() const override { return invoice_.lines(); }
  size_t requests() const override { return server_->requests(); }
  size_t connections() const override { return server_->connections(); }
  size_t batches() const override { return batches_created_; }
  size_t most_in_flight_per_key() const override { return most_in_flight_.load(); }
  bool WaitUntilAlone(absl::Duration timeout) override { return server_->WaitUntilAlone(timeout); }
  absl::Status StopAccepting() override { return server_->StopAccepting(); }
  void ResumeAccepting() override { server_->ResumeAccepting(); }

 private:
  HttpReply Handle(const HttpRequest& request);
  HttpReply AnswerCall(const HttpRequest& request);
  HttpReply Serve(const HttpRequest& request, const Fault& fault, InvoiceLine line, uint64_t seen);
  void Watch(Stage stage, const HttpRequest& request);

  const FakeTeacherOptions options_;
  const Shape& shape_;
  Invoice invoice_;
  std::string raw_answer_;
  std::atomic<size_t> most_in_flight_{0};
  // Loop thread only: how often each (body, idempotency key) was seen, and is being answered.
  absl::flat_hash_map<std::string, uint64_t> seen_;
  absl::flat_hash_map<std::string, size_t> in_flight_;
  uint64_t questions_ = 0;
  // Loop thread only.
  std::optional<FakeBatches> batches_;
  std::atomic<size_t> batches_created_ = 0;
  // Last, so that its thread ends before what it uses.
  std::unique_ptr<LoopbackServer> server_;
};

HttpReply ToReply(WireAnswer answer) {
  HttpReply reply;
  reply.status = answer.status;
  reply.headers = std::move(answer.headers);
  reply.body = std::move(answer.body);
  return reply;
}

HttpReply FakeTeacherServer::Handle(const HttpRequest& request) {
  if (!raw_answer_.empty()) {
    HttpReply reply;
    reply.raw = &raw_answer_;
    reply.delay = options_.script.latency;
    return reply;
  }
  if (options_.kind == "openai") {
    auto handled = batches_->Handle(request);
    batches_created_ = batches_->created();
    if (handled.has_value()) return *std::move(handled);
  }
  if (request.method != "POST" || !shape_.Serves(request.target)) {
    return ToReply(shape_.Error({WireErrorKind::kNotFound, 0, "no such path", ""}));
  }
  return AnswerCall(request);
}

HttpReply FakeTeacherServer::AnswerCall(const HttpRequest& request) {
  InvoiceLine line;
  line.key = Sha256Hex(request.body);
  line.idempotency_key = std::string(request.header("Idempotency-Key"));
  line.unix_millis = absl::ToUnixMillis(absl::Now());
  Sighting sighting{request.body, line.key, line.idempotency_key};
  sighting.seen = seen_[absl::StrCat(line.key, line.idempotency_key)]++;
  sighting.number = ++questions_;
  std::optional<Fault> chosen;
  if (options_.choose_fault != nullptr) chosen = options_.choose_fault(sighting);
  Fault fault = chosen.has_value() ? *chosen : ChooseFault(options_.script, sighting);
  if (!options_.script.api_key.empty() && shape_.Credential(request) != options_.script.api_key) {
    fault = Fault();
    fault.kind = FaultKind::kBadKey;
  }
  const std::string id = absl::StrCat("req_", line.key.substr(0, 16), "_", sighting.seen);
  const absl::Duration latency = ChooseLatency(options_.script, sighting) + fault.delay;
  HttpReply reply = Serve(request, fault, std::move(line), sighting.seen);
  reply.headers.emplace_back("x-request-id", id);
  reply.delay = latency;
  return reply;
}

HttpReply FakeTeacherServer::Serve(const HttpRequest& request, const Fault& fault, InvoiceLine line,
                                   uint64_t seen) {
  line.note = fault.kind == FaultKind::kNone ? "served" : std::string(FaultName(fault.kind));
  if (const auto error = RefusalOf(fault)) {
    HttpReply reply = ToReply(shape_.Error(*error));
    if (!fault.body.empty()) reply.body = fault.body;
    reply.headers.insert(reply.headers.end(), fault.headers.begin(), fault.headers.end());
    line.status = reply.status;
    if (fault.billed) invoice_.Add(std::move(line));
    return reply;
  }
  // Without an idempotency key, repeated equal requests are separate draws.
  const std::string sample =
      line.idempotency_key.empty() ? absl::StrCat(seen) : line.idempotency_key;
  WireAnswer answer;
  try {
    const Question question = shape_.Read(request);
    const uint64_t draw_seed = Xxh3(sample, Xxh3(request.body, options_.script.seed));
    Reply reply = Compose(options_.script.language, question, draw_seed);
    Falsify(fault, &reply);
    answer = shape_.Write(question, reply, line.key.substr(0, 24));
  } catch (const nlohmann::json::exception& error) {
    return ToReply(shape_.Error({WireErrorKind::kInvalid, 0, error.what(), ""}));
  }
  HttpReply reply = ToReply(std::move(answer));
  if (fault.kind == FaultKind::kErrorIn200) {
    reply = ToReply(shape_.Error({WireErrorKind::kServer, 0, "scripted error inside a 200", ""}));
    reply.status = 200;
  }
  Damage(fault, &reply);
  invoice_.Add(std::move(line));
  return reply;
}

void FakeTeacherServer::Watch(Stage stage, const HttpRequest& request) {
  if (stage == Stage::kReceived) {
    const size_t now = ++in_flight_[KeyOf(request)];
    most_in_flight_.store(std::max(most_in_flight_.load(), now));
  } else if (stage == Stage::kSent || stage == Stage::kClosed) {
    const auto found = in_flight_.find(KeyOf(request));
    if (--found->second == 0) in_flight_.erase(found);
  }
  if (options_.watcher != nullptr) options_.watcher(stage, request);
}

}  // namespace

absl::StatusOr<std::unique_ptr<FakeTeacher>> FakeTeacher::Start(FakeTeacherOptions options) {
  LIMBECK_ASSIGN_OR_RETURN(const Shape* shape, FindShape(options.kind));
  auto teacher = std::make_unique<FakeTeacherServer>(std::move(options), shape);
  LIMBECK_RETURN_IF_ERROR(teacher->Listen());
  return teacher;
}

}  // namespace limbeck::testing
