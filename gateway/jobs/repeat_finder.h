// Finds the rows whose text stood before, over files of any size in little memory.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace limbeck::gateway {

// Texts are known by their hash. Entries are spread over buckets by hash, which wait in a scratch
// file and are looked at one by one: 64 KiB of memory per 262,144 rows expected, at most 16 MiB,
// and one bucket (4 MiB where the expectation held). One thread.
class RepeatFinder {
 public:
  // `scratch` must not exist; its name is gone at once, its space with the finder.
  static absl::StatusOr<std::unique_ptr<RepeatFinder>> Create(const std::filesystem::path& scratch,
                                                              uint64_t expected_rows);
  ~RepeatFinder();
  RepeatFinder(const RepeatFinder&) = delete;
  RepeatFinder& operator=(const RepeatFinder&) = delete;

  // RESOURCE_EXHAUSTED when the disk is full.
  absl::Status AddRow(uint64_t text_hash, uint64_t row) { return Add(text_hash, row + 1); }
  // Every row with this text is a repeat.
  absl::Status Exclude(uint64_t text_hash) { return Add(text_hash, kExcluded); }

  // Calls `repeat` with every row whose text is excluded or has a row of a lower number, in no
  // order. Called once, after all rows.
  absl::Status Find(const std::function<void(uint64_t row)>& repeat);

 private:
  // Sorts before the rows of the same text.
  static constexpr uint64_t kExcluded = 0;
  struct Entry {
    uint64_t text_hash = 0;
    uint64_t row = 0;  // From 1.
  };
  struct Bucket {
    std::vector<Entry> buffer;
    // Offsets of full buffers in the scratch file.
    std::vector<uint64_t> spilled;
  };

  RepeatFinder(int descriptor, uint64_t expected_rows);
  absl::Status Add(uint64_t text_hash, uint64_t row);
  absl::Status Spill(Bucket* bucket);
  absl::StatusOr<std::vector<Entry>> Load(Bucket* bucket) const;

  const int descriptor_;
  uint64_t end_ = 0;  // Of the scratch file.
  std::vector<Bucket> buckets_;
};

}  // namespace limbeck::gateway
