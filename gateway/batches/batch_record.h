// A batch at rest: what a restarted gateway needs to settle what was bought.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace limbeck::gateway {

// One claimed query of a batch, without its text.
struct BatchLine {
  std::string key;     // 32 bytes.
  uint64_t fence = 0;  // Of its claim.
  int64_t reserve_micro_usd = 0;
  uint32_t top_logprobs = 0;

  friend bool operator==(const BatchLine&, const BatchLine&) = default;
};

// What a line is called at the provider: 32 hexadecimal digits of a hash over key and fence, from
// which neither the key nor what was asked can be found. Another claim on the same key has another.
std::string CustomId(const BatchLine& line);

struct BatchRecord {
  std::string owner;       // Who bought it, for example a job's id.
  std::string id;          // Ours: 32 hexadecimal digits, drawn.
  std::string teacher;     // Its name.
  std::string input_file;  // The provider's id of the stored lines.
  // Grows each time that the provider found no room for it; part of the tag, so that a search finds
  // the newest.
  uint32_t attempt = 1;
  // The provider's; empty while it is unknown whether the batch was created.
  std::string remote_id;
  absl::Time created;
  std::vector<BatchLine> lines;

  // What the batch is created with and found by.
  std::string tag() const;
};

// Everything but the lines, as JSON.
std::string EncodeHead(const BatchRecord& record);
// DATA_LOSS when malformed.
absl::StatusOr<BatchRecord> DecodeHead(std::string_view owner, std::string_view id,
                                       std::string_view bytes);

// Lines of equal length: key, then fence, reserve and top_logprobs, big-endian.
std::string EncodeLines(const BatchLine* lines, size_t count);
// Appends. DATA_LOSS when malformed.
absl::Status DecodeLines(std::string_view bytes, std::vector<BatchLine>* lines);

}  // namespace limbeck::gateway
