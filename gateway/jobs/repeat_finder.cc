#include "gateway/jobs/repeat_finder.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status.h"

namespace limbeck::gateway {
namespace {

constexpr size_t kBufferEntries = 4096;
constexpr uint64_t kRowsPerBucket = uint64_t{1} << 18;
constexpr uint64_t kMaxBuckets = 256;

absl::Status ScratchError(std::string_view action, int error) {
  const std::string message =
      absl::StrCat(ToAbsl(action), " the scratch file of a dataset: ", std::strerror(error));
  if (error == ENOSPC || error == EDQUOT) return absl::ResourceExhaustedError(message);
  return absl::InternalError(message);
}

}  // namespace

absl::StatusOr<std::unique_ptr<RepeatFinder>> RepeatFinder::Create(
    const std::filesystem::path& scratch, uint64_t expected_rows) {
  const int descriptor = ::open(scratch.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (descriptor < 0) return ScratchError("create", errno);
  ::unlink(scratch.c_str());
  return std::unique_ptr<RepeatFinder>(new RepeatFinder(descriptor, expected_rows));
}

RepeatFinder::RepeatFinder(int descriptor, uint64_t expected_rows)
    : descriptor_(descriptor),
      buckets_(std::clamp<uint64_t>(expected_rows / kRowsPerBucket + 1, 1, kMaxBuckets)) {}

RepeatFinder::~RepeatFinder() { ::close(descriptor_); }

absl::Status RepeatFinder::Add(uint64_t text_hash, uint64_t row) {
  Bucket& bucket = buckets_[(text_hash >> 32) % buckets_.size()];
  bucket.buffer.push_back({text_hash, row});
  return bucket.buffer.size() < kBufferEntries ? absl::OkStatus() : Spill(&bucket);
}

absl::Status RepeatFinder::Spill(Bucket* bucket) {
  const auto* bytes = reinterpret_cast<const char*>(bucket->buffer.data());
  const size_t size = bucket->buffer.size() * sizeof(Entry);
  for (size_t done = 0; done < size;) {
    const ssize_t written =
        ::pwrite(descriptor_, bytes + done, size - done, static_cast<off_t>(end_ + done));
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return ScratchError("write", errno);
    done += static_cast<size_t>(written);
  }
  bucket->spilled.push_back(end_);
  end_ += size;
  bucket->buffer.clear();
  return absl::OkStatus();
}

absl::StatusOr<std::vector<RepeatFinder::Entry>> RepeatFinder::Load(Bucket* bucket) const {
  std::vector<Entry> entries(bucket->spilled.size() * kBufferEntries);
  for (size_t i = 0; i < bucket->spilled.size(); ++i) {
    auto* bytes = reinterpret_cast<char*>(&entries[i * kBufferEntries]);
    constexpr size_t kSize = kBufferEntries * sizeof(Entry);
    for (size_t done = 0; done < kSize;) {
      const ssize_t read = ::pread(descriptor_, bytes + done, kSize - done,
                                   static_cast<off_t>(bucket->spilled[i] + done));
      if (read < 0 && errno == EINTR) continue;
      if (read < 0) return ScratchError("read", errno);
      if (read == 0) return absl::DataLossError("the scratch file of a dataset was cut short");
      done += static_cast<size_t>(read);
    }
  }
  entries.insert(entries.end(), bucket->buffer.begin(), bucket->buffer.end());
  *bucket = {};
  return entries;
}

absl::Status RepeatFinder::Find(const std::function<void(uint64_t row)>& repeat) {
  for (Bucket& bucket : buckets_) {
    LIMBECK_ASSIGN_OR_RETURN(std::vector<Entry> entries, Load(&bucket));
    std::sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) {
      return std::pair(a.text_hash, a.row) < std::pair(b.text_hash, b.row);
    });
    for (size_t i = 1; i < entries.size(); ++i) {
      const bool repeated = entries[i].text_hash == entries[i - 1].text_hash;
      if (repeated && entries[i].row != kExcluded) repeat(entries[i].row - 1);
    }
  }
  return absl::OkStatus();
}

}  // namespace limbeck::gateway
