// Kills a writing process and checks that nothing it acknowledged is gone.
#include <gtest/gtest.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <set>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/file.h"
#include "base/kv/rocksdb/rocksdb_engine.h"

namespace limbeck::kv {
namespace {

// Runs the writer, kills it once `acknowledgements` lines arrived, and returns every number whose
// line was complete.
std::vector<std::string> WriteUntilKilled(const std::string& folder, uint64_t first,
                                          size_t acknowledgements) {
  int fds[2];
  if (::pipe(fds) != 0) return {};
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, fds[1], STDOUT_FILENO);
  posix_spawn_file_actions_addclose(&actions, fds[0]);
  posix_spawn_file_actions_addclose(&actions, fds[1]);
  std::string program = LIMBECK_CRASH_WRITER;
  std::string folder_argument = folder;
  std::string first_argument = absl::StrCat(first);
  char* argv[] = {program.data(), folder_argument.data(), first_argument.data(), nullptr};
  pid_t pid = 0;
  const int spawned = ::posix_spawn(&pid, program.c_str(), &actions, nullptr, argv, environ);
  posix_spawn_file_actions_destroy(&actions);
  ::close(fds[1]);
  EXPECT_EQ(spawned, 0);
  std::string output;
  char buffer[4096];
  bool killed = false;
  // Reading goes on to the end of the pipe: lines written before the kill are acknowledgements.
  while (const ssize_t size = ::read(fds[0], buffer, sizeof(buffer))) {
    if (size < 0) break;
    output.append(buffer, static_cast<size_t>(size));
    if (!killed &&
        static_cast<size_t>(std::count(output.begin(), output.end(), '\n')) >= acknowledgements) {
      ::kill(pid, SIGKILL);
      killed = true;
    }
  }
  ::close(fds[0]);
  int status = 0;
  ::waitpid(pid, &status, 0);
  EXPECT_TRUE(WIFSIGNALED(status)) << "the writer ended by itself: " << status;
  std::vector<std::string> lines = absl::StrSplit(output, '\n');
  lines.pop_back();
  return lines;
}

TEST(RocksdbCrashTest, NothingAcknowledgedIsLostAndNoBatchIsHalfThere) {
  const ScopedTempDirectory dir;
  OpenOptions options;
  options.path = (dir.path() / "db").string();
  options.tables = {"a", "b"};
  std::set<std::string> acknowledged;
  for (int round = 0; round < 3; ++round) {
    const std::vector<std::string> lines =
        WriteUntilKilled(options.path, 1'000'000 * (round + 1), 100 + 150 * round);
    acknowledged.insert(lines.begin(), lines.end());
    ASSERT_GE(lines.size(), 100u);
    auto engine = OpenRocksdbEngine(options);
    ASSERT_TRUE(engine.ok()) << engine.status();
    for (const std::string& number : acknowledged) {
      ASSERT_EQ((*engine)->Get("b", number).value(), number);
    }
    auto scan = (*engine)->Scan("a", "", "");
    size_t records = 0;
    for (Iterator& it = **scan; it.Valid(); it.Next(), ++records) {
      ASSERT_EQ(it.value(), std::string(1000, 'v'));
      ASSERT_TRUE((*engine)->Get("b", it.key())->has_value());
    }
    EXPECT_TRUE((*scan)->status().ok());
    EXPECT_GE(records, acknowledged.size());
  }
}

}  // namespace
}  // namespace limbeck::kv
