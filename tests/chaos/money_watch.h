// Looks at an account again and again while others spend from it.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>

#include "cache/client/cache_client.h"

namespace limbeck::testing {

// Thread-safe.
class MoneyWatch {
 public:
  // `account` as in cache/client/accounts.h, of the cache at `target`.
  MoneyWatch(const std::string& target, std::string account);
  ~MoneyWatch();
  MoneyWatch(const MoneyWatch&) = delete;
  MoneyWatch& operator=(const MoneyWatch&) = delete;

  // Most that was spent and reserved together, over all looks so far.
  int64_t most() const;
  uint64_t looks() const { return looks_.load(); }
  // As it is now; all zero while the account is not known.
  cache::AccountState Now() const;

 private:
  void Watch();

  const std::string account_;
  const std::unique_ptr<cache::CacheClient> client_;
  std::atomic<bool> stop_{false};
  std::atomic<uint64_t> looks_{0};
  std::atomic<int64_t> most_{0};
  std::thread thread_;
};

}  // namespace limbeck::testing
