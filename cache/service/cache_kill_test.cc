// limbeck-cache as a process: killed while a reader streams, and stopped in good order.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <string>

#include "base/file.h"
#include "base/hash.h"
#include "cache/client/grpc_cache_client.h"
#include "cache/records/record_codec.h"

namespace limbeck::cache {
namespace {

class CacheProcess {
 public:
  // Returns once the program says that it is ready.
  void Start() {
    int ends[2];
    ASSERT_EQ(::pipe(ends), 0);
    const std::string binary = std::string(std::getenv("LIMBECK_BINARY_DIR")) + "/limbeck-cache";
    const std::string data = "--data-dir=" + (directory_.path() / "data").string();
    const std::string port_file = "--port-file=" + (directory_.path() / "port").string();
    const std::string listen = "--listen=127.0.0.1:" + port_;
    child_ = ::fork();
    if (child_ == 0) {
      ::dup2(ends[1], STDOUT_FILENO);
      ::close(ends[0]);
      ::execl(binary.c_str(), binary.c_str(), data.c_str(), port_file.c_str(), listen.c_str(),
              static_cast<char*>(nullptr));
      ::_exit(127);
    }
    ::close(ends[1]);
    std::string line;
    for (char c; ::read(ends[0], &c, 1) == 1 && c != '\n';) line.push_back(c);
    ::close(ends[0]);
    ASSERT_NE(line.find("ready"), std::string::npos) << line;
    port_ = *ReadFile(directory_.path() / "port");
    port_.pop_back();
  }

  // The exit status as of waitpid.
  int Stop(int signal) {
    ::kill(child_, signal);
    int status = 0;
    ::waitpid(child_, &status, 0);
    return status;
  }

  std::unique_ptr<CacheClient> NewClient() { return *NewCacheClient("127.0.0.1:" + port_); }

 private:
  ScopedTempDirectory directory_;
  std::string port_ = "0";
  pid_t child_ = 0;
};

constexpr size_t kItems = 200;

// Buys kItems answers and freezes them.
std::string BuySnapshot(CacheClient* client) {
  EXPECT_TRUE(client->SetCeiling("job/1", 1'000'000).ok());
  AcquireRequest request;
  request.domain = "team/a";
  request.accounts = {"job/1"};
  request.owner = {"gateway-0", 1};
  for (size_t i = 0; i < kItems; ++i) request.items.push_back({std::to_string(i), 0, 1});
  const auto claims = client->Acquire(request);
  EXPECT_TRUE(claims.ok()) << claims.status();
  std::vector<CommitItem> commits;
  for (const AcquireResult& claim : *claims) {
    SoftOutput output;
    output.text = RandomBytes(50'000);
    commits.push_back({claim.key, claim.fence, EncodeRecord(output), 1});
  }
  EXPECT_TRUE(client->Commit("team/a", commits).ok());
  SnapshotItem item;
  size_t next = 0;
  const auto snapshot =
      client->CreateSnapshot("team/a", "", [&]() -> absl::StatusOr<const SnapshotItem*> {
        if (next == kItems) return nullptr;
        item.example.row_id = std::to_string(next);
        item.keys = {commits[next++].key};
        return &item;
      });
  EXPECT_TRUE(snapshot.ok()) << snapshot.status();
  return snapshot->id;
}

TEST(CacheKillTest, AKilledServerSkipsAndRepeatsNothing) {
  CacheProcess server;
  ASSERT_NO_FATAL_FAILURE(server.Start());
  const auto client = server.NewClient();
  StreamOptions options;
  options.snapshot_id = BuySnapshot(client.get());
  options.window_bytes = 300'000;
  int kills = 0;
  while (options.position < kItems) {
    auto stream = client->Stream(options);
    if (!stream.ok()) {
      ASSERT_EQ(stream.status().code(), absl::StatusCode::kUnavailable);
      continue;
    }
    absl::StatusOr<StreamItem> item = (*stream)->Next();
    for (; item.ok(); item = (*stream)->Next()) {
      ASSERT_EQ(item->position, options.position);
      ASSERT_TRUE(DecodeRecord(item->records[0]).ok());
      ++options.position;
      if (options.position % 60 == 20 && kills < 3) {
        ++kills;
        EXPECT_TRUE(WIFSIGNALED(server.Stop(SIGKILL)));
        ASSERT_NO_FATAL_FAILURE(server.Start());
      }
    }
    ASSERT_TRUE(absl::IsUnavailable(item.status()) || absl::IsOutOfRange(item.status()))
        << item.status();
  }
  EXPECT_EQ(kills, 3);
  EXPECT_EQ(server.Stop(SIGTERM), 0) << "stops in good order";
}

}  // namespace
}  // namespace limbeck::cache
