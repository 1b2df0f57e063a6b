// A transport for unit tests: replies are scripted, requests are recorded, nothing is sent.
#pragma once

#include <deque>
#include <functional>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "base/http/transport.h"

namespace limbeck::http {

// Shorthands for scripted outcomes.
Outcome Answer(int status_code, std::string body, std::vector<Header> headers = {});
Outcome LostAnswer();  // kUnknown, UNAVAILABLE.
Outcome NeverSent();   // kNotSent, UNAVAILABLE.

// Replies in the order they were added, else through the handler; a held request that was cancelled
// takes none. `done` runs inside Start, on the
// caller's thread, unless `Hold` was called. Thread-safe.
class FakeTransport : public Transport {
 public:
  using Handler = std::function<Outcome(const Request&)>;

  FakeTransport() = default;
  // Answers every request for which no reply was added.
  explicit FakeTransport(Handler handler) : handler_(std::move(handler)) {}

  void Start(Request request, Done done) override;
  size_t in_flight() const override;

  void AddReply(Outcome outcome);
  // From now on transfers stay in flight until ReleaseOne or Release.
  void Hold();
  // Finishes the oldest held transfer; false when there is none.
  bool ReleaseOne();
  // Finishes all held transfers and stops holding.
  void Release();

  std::vector<Request> requests() const;

 private:
  struct Held {
    Request request;
    Done done;
  };

  Outcome NextOutcome(const Request& request);

  const Handler handler_;
  mutable absl::Mutex mu_;
  bool holding_ ABSL_GUARDED_BY(mu_) = false;
  std::deque<Outcome> replies_ ABSL_GUARDED_BY(mu_);
  std::deque<Held> held_ ABSL_GUARDED_BY(mu_);
  std::vector<Request> requests_ ABSL_GUARDED_BY(mu_);
};

}  // namespace limbeck::http
