// The process that ledger_crash_test kills: buys answers from several threads and prints a line for
// each acknowledged step, until it is killed.
//
//   crash_buyer FOLDER INCARNATION
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/hash.h"
#include "base/kv/open.h"
#include "cache/ledger/ledger.h"
#include "cache/records/record_codec.h"

namespace {

using namespace limbeck;
using namespace limbeck::cache;

void Print(const std::string& line) {
  // One write call per line: lines of parallel threads do not mix in a pipe.
  const std::string text = line + "\n";
  if (::write(STDOUT_FILENO, text.data(), text.size()) < 0) std::_Exit(1);
}

void Buy(Ledger* ledger, uint64_t incarnation, uint64_t thread) {
  for (uint64_t n = 0;; ++n) {
    AcquireRequest request;
    request.domain = "team/a";
    request.accounts = {"job/1"};
    request.owner = {"gateway-0", incarnation};
    for (int i = 0; i < 3; ++i) {
      request.items.push_back({absl::StrCat("q", (thread * 7 + n * 3 + i) % 4001), 0, 10});
    }
    const auto results = ledger->Acquire(request);
    if (!results.ok()) std::abort();
    std::vector<CommitItem> commits;
    for (const AcquireResult& result : *results) {
      if (result.kind != AcquireResult::Kind::kYours) continue;
      SoftOutput output;
      output.text = result.key;
      commits.push_back({result.key, result.fence, EncodeRecord(output), 7});
    }
    if (commits.empty()) continue;
    for (const CommitItem& commit : commits) Print(absl::StrCat("C ", HexEncode(commit.key)));
    if (!ledger->Commit("team/a", commits).ok()) std::abort();
    for (const CommitItem& commit : commits) Print(absl::StrCat("S ", HexEncode(commit.key)));
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  kv::OpenOptions options;
  options.path = argv[1];
  options.tables = LedgerTables();
  auto engine = kv::Open(options);
  if (!engine.ok()) {
    std::fprintf(stderr, "%s\n", engine.status().ToString().c_str());
    return 1;
  }
  auto ledger = Ledger::Open(engine->get(), Clock::Real(), LedgerOptions());
  if (!ledger.ok() || !(*ledger)->SetCeiling("job/1", 1'000'000'000).ok()) return 1;
  std::vector<std::thread> threads;
  for (uint64_t t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] { Buy(ledger->get(), std::strtoull(argv[2], nullptr, 10), t); });
  }
  for (std::thread& thread : threads) thread.join();
  return 0;
}
