// Questions that fall due at a fixed rate, whether or not earlier ones have been answered, asked of
// a teacher through the gateway's own client, pool and transport.
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "base/http/transport.h"
#include "gateway/dispatch/teacher_client.h"

namespace limbeck::bench {

// When each request of a bench went out and came back. Requests are told apart by a number in the
// prompt: see NumberedQuery.
class TimedTransport : public http::Transport {
 public:
  struct Times {
    absl::Time sent;
    absl::Time answered;
  };

  // Borrows `inner`.
  explicit TimedTransport(http::Transport* inner) : inner_(inner) {}

  void Start(http::Request request, Done done) override;
  size_t in_flight() const override { return inner_->in_flight(); }

  // Of the last try; infinite past where there was none.
  Times Of(size_t number) const;

 private:
  http::Transport* const inner_;
  mutable absl::Mutex mu_;
  std::map<size_t, Times> times_ ABSL_GUARDED_BY(mu_);
};

// One token, top 20, as classification asks.
gateway::TeacherQuery NumberedQuery(size_t number);

// A teacher on 127.0.0.1 with a pool of its own, asked through `transport`, which is borrowed.
struct LoopTeacher {
  gateway::TeacherConfig config;
  std::unique_ptr<gateway::QuotaPool> pool;
  std::unique_ptr<gateway::TeacherClient> client;
};
LoopTeacher NewLoopTeacher(const std::string& base_url, http::Transport* transport);

struct OpenLoop {
  double per_second = 0;
  size_t calls = 0;
  // Number of the first call; later ones count up.
  size_t first = 0;
  // Called once a call has its answer, on a thread of the client's; `done` ends the call.
  std::function<void(size_t number, cache::SoftOutput output,
                     std::function<void(absl::Status)> done)>
      on_answer;
};

struct LoopCall {
  size_t number = 0;
  absl::Time due;
  absl::Time done;
};

// Every call in order of its number. The first error of any call ends in its place.
absl::StatusOr<std::vector<LoopCall>> RunOpenLoop(const LoopTeacher& teacher, const OpenLoop& loop);

// The value below which `share` of the values lie.
double Quantile(std::vector<double> values, double share);

}  // namespace limbeck::bench
