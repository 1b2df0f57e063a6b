#include "tests/bench/open_loop.h"

#include <algorithm>
#include <cmath>
#include <utility>
#include <variant>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/blocking_counter.h"
#include "absl/time/clock.h"
#include "gateway/teachers/registry.h"

namespace limbeck::bench {
namespace {

constexpr const char* kMarker = "call number ";
constexpr uint32_t kConcurrent = 1024;

size_t NumberIn(const std::string& body) {
  const size_t at = body.find(kMarker);
  size_t number = 0;
  if (at == std::string::npos) return number;
  const std::string digits = body.substr(at + std::string(kMarker).size(), 20);
  const size_t end = digits.find_first_not_of("0123456789");
  return absl::SimpleAtoi(digits.substr(0, end), &number) ? number : 0;
}

// Calls under way, and how they ended.
class Ledger {
 public:
  explicit Ledger(size_t calls) : left_(static_cast<int>(calls)) {}

  void End(LoopCall* call, const absl::Status& status) {
    call->done = absl::Now();
    {
      absl::MutexLock lock(&mu_);
      if (status_.ok()) status_ = status;
    }
    left_.DecrementCount();
  }
  absl::Status Wait() {
    left_.Wait();
    absl::MutexLock lock(&mu_);
    return status_;
  }

 private:
  absl::BlockingCounter left_;
  absl::Mutex mu_;
  absl::Status status_ ABSL_GUARDED_BY(mu_);
};

}  // namespace

void TimedTransport::Start(http::Request request, Done done) {
  const size_t number = NumberIn(request.body);
  {
    absl::MutexLock lock(&mu_);
    times_[number].sent = absl::Now();
  }
  inner_->Start(std::move(request), [this, number, done = std::move(done)](http::Outcome outcome) {
    {
      absl::MutexLock lock(&mu_);
      times_[number].answered = absl::Now();
    }
    done(std::move(outcome));
  });
}

TimedTransport::Times TimedTransport::Of(size_t number) const {
  absl::MutexLock lock(&mu_);
  const auto found = times_.find(number);
  if (found == times_.end()) return {absl::InfinitePast(), absl::InfinitePast()};
  return found->second;
}

gateway::TeacherQuery NumberedQuery(size_t number) {
  gateway::TeacherQuery query;
  query.messages = {
      {gateway::Role::kSystem, "Answer with one word: animal, food, person, place or plant."},
      {gateway::Role::kUser, absl::StrCat(kMarker, number, ": a small wild cat")}};
  query.sampling.temperature = 0;
  query.sampling.max_tokens = 1;
  query.top_logprobs = 20;
  return query;
}

LoopTeacher NewLoopTeacher(const std::string& base_url, http::Transport* transport) {
  LoopTeacher teacher;
  teacher.config.name = "bench";
  teacher.config.kind = "openai";
  teacher.config.base_url = base_url;
  teacher.config.model = "m";
  gateway::QuotaPoolOptions limits;
  limits.name = base_url;
  limits.max_concurrent = kConcurrent;
  teacher.pool = std::make_unique<gateway::QuotaPool>(limits, Clock::Real());
  teacher.client = gateway::TeacherClient::Create(
      teacher.config, gateway::FindProvider("openai").value(), teacher.pool.get(), transport);
  return teacher;
}

absl::StatusOr<std::vector<LoopCall>> RunOpenLoop(const LoopTeacher& teacher,
                                                  const OpenLoop& loop) {
  std::vector<LoopCall> calls(loop.calls);
  Ledger ledger(loop.calls);
  const absl::Time start = absl::Now() + absl::Milliseconds(100);
  for (size_t i = 0; i < loop.calls; ++i) {
    LoopCall* const timed = &calls[i];
    timed->number = loop.first + i;
    timed->due = start + absl::Seconds(static_cast<double>(i) / loop.per_second);
    absl::SleepFor(timed->due - absl::Now());
    gateway::Call call;
    call.query = NumberedQuery(timed->number);
    call.done = [&ledger, &loop, timed](gateway::CallOutcome outcome) {
      if (auto* failure = std::get_if<gateway::Failure>(&outcome.result)) {
        return ledger.End(timed, absl::UnavailableError(failure->message));
      }
      loop.on_answer(timed->number, std::get<cache::SoftOutput>(std::move(outcome.result)),
                     [&ledger, timed](const absl::Status& status) { ledger.End(timed, status); });
    };
    const absl::Status asked = teacher.client->Ask(std::move(call));
    if (!asked.ok()) ledger.End(timed, asked);
  }
  if (absl::Status status = ledger.Wait(); !status.ok()) return status;
  return calls;
}

double Quantile(std::vector<double> values, double share) {
  const auto at = static_cast<size_t>(share * static_cast<double>(values.size() - 1));
  std::nth_element(values.begin(), values.begin() + static_cast<int64_t>(at), values.end());
  return values[at];
}

}  // namespace limbeck::bench
