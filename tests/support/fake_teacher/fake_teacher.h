// A teacher for tests and benchmarks: a real HTTP server with deterministic answers, scripted
// faults and its own invoice.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "tests/support/fake_teacher/invoice.h"
#include "tests/support/fake_teacher/script.h"
#include "tests/support/loopback_server.h"

namespace limbeck::testing {

struct FakeTeacherOptions {
  int port = 0;
  // A provider kind: which wire shape is spoken; see shapes.h.
  std::string kind = "openai";
  Script script;
  // Where served requests are written before their answers are sent; empty: memory only.
  std::string invoice_path;
  // When not empty: this body answers every request as fast as possible, with no invoice, no
  // faults and no look at the request.
  std::string static_answer;
  // Called on the server's thread, and must not block: what is to become of a request, before the
  // script is asked; nothing leaves it to the script.
  std::function<std::optional<Fault>(const Sighting&)> choose_fault;
  // Called on the server's thread, and must not block: what became of a request.
  std::function<void(Stage, const HttpRequest&)> watcher;
};

// Listens on 127.0.0.1 until destroyed. Thread-safe.
class FakeTeacher {
 public:
  static absl::StatusOr<std::unique_ptr<FakeTeacher>> Start(FakeTeacherOptions options);
  virtual ~FakeTeacher() = default;

  virtual int port() const = 0;
  // "http://127.0.0.1:PORT/v1", what a teacher's configuration names as its base URL; the path is
  // the kind's.
  virtual std::string base_url() const = 0;
  // Requests served: answered with 200, or cut while being answered.
  virtual std::vector<InvoiceLine> invoice() const = 0;
  // Requests read, refused ones included.
  virtual size_t requests() const = 0;
  virtual size_t connections() const = 0;
  // Batches created and not refused.
  virtual size_t batches() const = 0;
  // Most requests with one body and Idempotency-Key that were being answered at once.
  virtual size_t most_in_flight_per_key() const = 0;

  // See LoopbackServer.
  virtual bool WaitUntilAlone(absl::Duration timeout) = 0;
  virtual absl::Status StopAccepting() = 0;
  virtual void ResumeAccepting() = 0;
};

}  // namespace limbeck::testing
