// Inner structs of Harvest, shared by its source files.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cache/records/soft_output.h"
#include "gateway/jobs/harvest.h"

namespace limbeck::gateway {

// One row in one variant: judged once all samples that were asked for are resolved. Guarded by the
// harvest's mutex.
struct Harvest::Item {
  RejectionKey key;    // Constant.
  uint64_t index = 0;  // Of its first query in the expansion. Constant.
  std::string row_id;  // Constant.
  TeacherQuery query;  // Of sample 0, where further samples may follow. Constant.
  size_t pending = 0;
  uint32_t asked = 0;                                     // Samples asked for so far.
  std::vector<std::optional<cache::SoftOutput>> outputs;  // By sample.
  std::optional<Failure> failure;
  bool unanswered = false;
  ItemTally tally;
};

// One query of an item. Belongs to one thread at a time: the walker, the teacher client, the
// keeper.
struct Harvest::Unit {
  ItemPtr item;
  uint32_t sample = 0;
  TeacherQuery query;
  std::string canonical;
  int64_t reserve = 0;
  int64_t estimate = 0;  // Micro-USD that it will likely cost.
  // Of the claim.
  std::string key;
  uint64_t fence = 0;
  bool claim_gone = false;
  // Not before this time, for units that wait.
  SteadyTime due;
  // Times that the teacher could not be reached with it.
  int rounds = 0;
  // Further votes on the row that are asked for in the same call. None of them has any itself.
  std::vector<UnitPtr> companions;
  // A call for several votes was refused: this one is asked for by itself, which tells whether the
  // row or the number was the matter.
  bool alone = false;
  // The last try is in the ledger already, and nothing was sent since.
  bool booked = false;
};

}  // namespace limbeck::gateway
