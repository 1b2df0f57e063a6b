#include "tests/chaos/money_watch.h"

#include <algorithm>
#include <utility>

#include "absl/time/clock.h"
#include "cache/client/grpc_cache_client.h"
#include "tests/support/process.h"

namespace limbeck::testing {

MoneyWatch::MoneyWatch(const std::string& target, std::string account)
    : account_(std::move(account)),
      client_(cache::NewCacheClient(target).value()),
      thread_([this] { Watch(); }) {}

MoneyWatch::~MoneyWatch() {
  stop_.store(true);
  thread_.join();
}

int64_t MoneyWatch::most() const { return most_.load(); }

cache::AccountState MoneyWatch::Now() const {
  const auto accounts = client_->GetSpend({account_});
  return accounts.ok() && !accounts->empty() ? accounts->front() : cache::AccountState();
}

void MoneyWatch::Watch() {
  while (!stop_.load()) {
    const cache::AccountState account = Now();
    const int64_t bound = account.spent_micro_usd + account.reserved_micro_usd;
    most_.store(std::max(most_.load(), bound));
    looks_.fetch_add(1);
    absl::SleepFor(kPollPause);
  }
}

}  // namespace limbeck::testing
