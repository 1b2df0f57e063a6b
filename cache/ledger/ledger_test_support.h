// What the ledger's tests share.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "base/kv/open.h"
#include "cache/ledger/audit.h"
#include "cache/ledger/ledger.h"
#include "cache/records/record_codec.h"

namespace limbeck::cache {

inline std::unique_ptr<kv::Engine> OpenEngine(const std::string& driver, const std::string& path) {
  kv::OpenOptions options;
  options.driver = driver;
  options.path = path;
  options.tables = LedgerTables();
  auto engine = kv::Open(options);
  EXPECT_TRUE(engine.ok()) << engine.status();
  return engine.ok() ? *std::move(engine) : nullptr;
}

inline std::unique_ptr<Ledger> OpenLedger(kv::Engine* engine, Clock* clock) {
  auto ledger = Ledger::Open(engine, clock, LedgerOptions());
  EXPECT_TRUE(ledger.ok()) << ledger.status();
  return ledger.ok() ? *std::move(ledger) : nullptr;
}

// A record that serves up to `k` candidates.
inline std::string MakeRecord(const std::string& text, uint32_t k = 0) {
  SoftOutput output;
  output.text = text;
  output.support = k > 0 ? Support::kTopK : Support::kTextOnly;
  output.top_logprobs = k;
  return EncodeRecord(output);
}

inline AcquireRequest MakeAcquire(const std::vector<std::string>& queries, uint32_t k = 0,
                                  int64_t reserve = 10) {
  AcquireRequest request;
  request.domain = "team/a";
  request.accounts = {"job/1", "team/a"};
  request.owner = {"gateway-0", 1};
  for (const std::string& query : queries) request.items.push_back({query, k, reserve});
  return request;
}

}  // namespace limbeck::cache
