// The one seam to durable key-value state: an ordered, transactional store.
//
// Drivers live in folders beside this header (rocksdb/, memory/, later postgres/) and all pass
// engine_conformance.h. Callers never see a driver's types.
//
// Model: a fixed set of named tables, each an ordered map from byte strings to byte strings
// (unsigned byte order). Writes are batches: all or nothing, with preconditions checked atomically
// with the write, durable (synced) when Write returns OK. A batch that failed with UNAVAILABLE,
// DATA_LOSS or INTERNAL has an unknown outcome; one that failed with ABORTED or INVALID_ARGUMENT
// changed nothing.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace limbeck::kv {

// One atomic change. Built by one thread, then handed to Engine::Write.
class WriteBatch {
 public:
  void Put(std::string_view table, std::string_view key, std::string_view value);
  void Delete(std::string_view table, std::string_view key);
  // Preconditions: the batch is refused with ABORTED unless each holds when it is applied.
  void ExpectAbsent(std::string_view table, std::string_view key);
  void ExpectValue(std::string_view table, std::string_view key, std::string_view value);

  struct Operation {
    enum class Kind { kPut, kDelete, kExpectAbsent, kExpectValue };
    Kind kind;
    std::string table;
    std::string key;
    std::string value;  // Unused by kDelete and kExpectAbsent.
  };
  const std::vector<Operation>& operations() const { return operations_; }
  bool empty() const { return operations_.empty(); }
  // Sum of key and value bytes.
  size_t bytes() const { return bytes_; }

 private:
  std::vector<Operation> operations_;
  size_t bytes_ = 0;
};

// Ordered scan over one table. Not thread-safe; must not outlive the engine or snapshot it came
// from. Views stay valid until the next call.
class Iterator {
 public:
  virtual ~Iterator() = default;
  virtual bool Valid() const = 0;
  virtual std::string_view key() const = 0;
  virtual std::string_view value() const = 0;
  virtual void Next() = 0;
  // OK at a clean end; otherwise why the scan stopped early.
  virtual absl::Status status() const = 0;
};

// What can be read, either of the latest state (Engine) or of one moment (Snapshot). Thread-safe.
class Reader {
 public:
  virtual ~Reader() = default;
  // nullopt where the key is absent. NOT_FOUND is returned for an unknown table only.
  virtual absl::StatusOr<std::optional<std::string>> Get(std::string_view table,
                                                         std::string_view key) const = 0;
  // Results in the order of `keys`.
  virtual absl::StatusOr<std::vector<std::optional<std::string>>> MultiGet(
      std::string_view table, const std::vector<std::string>& keys) const = 0;
  // Keys in [begin, end); an empty `end` means "to the end of the table".
  virtual absl::StatusOr<std::unique_ptr<Iterator>> Scan(std::string_view table,
                                                         std::string_view begin,
                                                         std::string_view end) const = 0;
};

// A consistent view of one moment. Must not outlive its engine.
class Snapshot : public Reader {};

class Engine : public Reader {
 public:
  // Applies `batch` atomically and durably. Parallel callers share syncs (group commit).
  // Errors: ABORTED (a precondition failed; nothing changed), INVALID_ARGUMENT (unknown table,
  // batch over the size limit), RESOURCE_EXHAUSTED (no space; nothing acknowledged), UNAVAILABLE.
  virtual absl::Status Write(const WriteBatch& batch) = 0;
  virtual absl::StatusOr<std::unique_ptr<Snapshot>> NewSnapshot() const = 0;
};

// The first key after every key that starts with `prefix`; empty when there is none (all 0xff).
std::string PrefixEnd(std::string_view prefix);

// Order-preserving key parts: big-endian integers, and strings framed so that no pair of different
// part lists gives the same key ("a","bc" differs from "ab","c").
void AppendOrderedU64(std::string* key, uint64_t value);
void AppendOrderedString(std::string* key, std::string_view part);
// Read the part back and move `*key` past it; false on malformed input.
bool ConsumeOrderedU64(std::string_view* key, uint64_t* value);
bool ConsumeOrderedString(std::string_view* key, std::string* part);

}  // namespace limbeck::kv
