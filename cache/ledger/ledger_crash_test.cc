// Kills a process that buys answers, at random moments, and looks at what it left: every
// acknowledged answer is there and right, and every micro-dollar is accounted for.
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <map>
#include <random>
#include <sstream>

#include "base/file.h"
#include "base/hash.h"
#include "cache/ledger/ledger_test_support.h"

namespace limbeck::cache {
namespace {

constexpr int kKills = 12;

// Runs the buyer until it has printed `lines` lines, kills it, and returns all it printed.
std::string BuyAndKill(const std::string& folder, int incarnation, size_t lines) {
  int ends[2];
  EXPECT_EQ(::pipe(ends), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    ::dup2(ends[1], STDOUT_FILENO);
    ::close(ends[0]);
    ::close(ends[1]);
    ::execl(LIMBECK_CRASH_BUYER, LIMBECK_CRASH_BUYER, folder.c_str(),
            std::to_string(incarnation).c_str(), static_cast<char*>(nullptr));
    ::_exit(127);
  }
  ::close(ends[1]);
  std::string printed;
  size_t seen = 0;
  bool killed = false;
  char buffer[4096];
  ssize_t size;
  while ((size = ::read(ends[0], buffer, sizeof buffer)) > 0) {
    printed.append(buffer, static_cast<size_t>(size));
    seen += static_cast<size_t>(std::count(buffer, buffer + size, '\n'));
    if (!killed && seen >= lines) killed = ::kill(child, SIGKILL) == 0;
  }
  ::close(ends[0]);
  int status = 0;
  ::waitpid(child, &status, 0);
  EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
  return printed;
}

TEST(LedgerCrashTest, KillsLoseNoAnswerAndNoMoney) {
  const uint32_t seed = std::random_device{}();
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  std::mt19937 random(seed);
  ScopedTempDirectory directory;
  const std::string folder = directory.path() / "kv";
  std::map<std::string, bool> stored;  // Key in hexadecimal → acknowledged.
  for (int kill = 1; kill <= kKills; ++kill) {
    std::istringstream lines(BuyAndKill(folder, kill, 1 + random() % 600));
    for (std::string what, key; lines >> what >> key;) {
      if (key.size() == 64) stored[key] |= what == "S";
    }
  }
  const auto engine = OpenEngine("rocksdb", folder);
  ASSERT_NE(engine, nullptr);
  const absl::Status audit = AuditLedger(*engine, true);
  EXPECT_TRUE(audit.ok()) << audit;
  const auto ledger = OpenLedger(engine.get(), Clock::Real());
  size_t acknowledged = 0;
  for (const auto& [hex, is_stored] : stored) {
    std::string key;
    for (size_t i = 0; i < hex.size(); i += 2) {
      key.push_back(static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16)));
    }
    const auto record = ledger->GetRecord("team/a", key);
    if (is_stored) {
      ++acknowledged;
      ASSERT_TRUE(record.ok()) << record.status();
    }
    EXPECT_TRUE(!record.ok() || DecodeRecord(*record)->text == key);
  }
  EXPECT_GT(acknowledged, 0u);
  const AccountState job = (*ledger->GetSpend({"job/1"}))[0];
  EXPECT_GE(job.answers_bought, acknowledged);
  EXPECT_EQ(job.spent_micro_usd,
            static_cast<int64_t>(job.answers_bought) * 7 + job.ambiguous_micro_usd);
}

}  // namespace
}  // namespace limbeck::cache
