// The process that rocksdb_crash_test kills: writes numbered batches from several threads and
// prints each number once its batch is durable, until it is killed.
//
//   crash_writer FOLDER FIRST
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/kv/rocksdb/rocksdb_engine.h"

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  limbeck::kv::OpenOptions options;
  options.path = argv[1];
  options.tables = {"a", "b"};
  auto engine = limbeck::kv::OpenRocksdbEngine(options);
  if (!engine.ok()) {
    std::fprintf(stderr, "%s\n", engine.status().ToString().c_str());
    return 1;
  }
  std::atomic<uint64_t> next = std::strtoull(argv[2], nullptr, 10);
  std::vector<std::thread> writers;
  for (int t = 0; t < 4; ++t) {
    writers.emplace_back([&] {
      while (true) {
        const std::string number = absl::StrCat(next.fetch_add(1));
        limbeck::kv::WriteBatch batch;
        batch.ExpectAbsent("a", number);
        batch.Put("a", number, std::string(1000, 'v'));
        batch.Put("b", number, number);
        if (!(*engine)->Write(batch).ok()) std::abort();
        const std::string line = number + "\n";
        // One write call per line: lines of parallel threads do not mix in a pipe.
        if (::write(STDOUT_FILENO, line.data(), line.size()) < 0) return;
      }
    });
  }
  for (std::thread& writer : writers) writer.join();
  return 0;
}
