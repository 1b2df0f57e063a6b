// Which answer belongs to which line: results come in any order, some never, some twice, some for
// nobody.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <variant>
#include <vector>

#include "gateway/batches/batch_record.h"
#include "gateway/teachers/batch_api.h"

namespace limbeck::gateway {

// What the results of a batch held.
struct BatchTally {
  uint64_t answered = 0;    // With status 200.
  uint64_t failed = 0;      // With another status, or an error instead of an answer.
  uint64_t missing = 0;     // Lines without a result.
  uint64_t duplicates = 0;  // Results for lines that had one.
  uint64_t unknown = 0;     // Results for lines that were never sent.
  uint64_t unreadable = 0;

  std::string ToString() const;
};

// One thread.
class Reconciler {
 public:
  // Borrows both.
  Reconciler(const std::vector<BatchLine>& lines, const BatchApi& api);

  struct Found {
    size_t line = 0;
    std::variant<http::Response, BatchFault> result;
  };
  // Reads one line of a result file; nullopt, and counted, when it settles none.
  std::optional<Found> Take(std::string_view text);
  // A result line that was too long to be read.
  void SkipUnreadable() { ++tally_.unreadable; }

  // To be called after the last Take: the lines without a result.
  std::vector<size_t> Missing();
  // Whether the provider may have answered, and so billed, lines of which there is no answer here:
  // it counts more answers than were read or, where it does not count, cannot be sure.
  bool MissingMayBeBilled(const BatchStatus& status) const;

  const BatchTally& tally() const { return tally_; }

 private:
  const BatchApi& api_;
  std::unordered_map<std::string, size_t> lines_;  // By custom id.
  std::vector<bool> seen_;
  BatchTally tally_;
};

}  // namespace limbeck::gateway
