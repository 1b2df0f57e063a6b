#include "cache/ledger/write_turn.h"

#include <string_view>
#include <utility>

#include "absl/time/clock.h"
#include "base/hash.h"
#include "cache/ledger/rows.h"

namespace limbeck::cache {
namespace {

constexpr std::string_view kTurnKey = "turn";
constexpr size_t kNameBytes = 16;

}  // namespace

WriteTurn::WriteTurn(kv::Engine* engine) : engine_(engine), own_(RandomBytes(kNameBytes)) {}

void WriteTurn::Claim() {
  kv::WriteBatch batch;
  batch.Put(kMetaTable, kTurnKey, own_);
  if (engine_->Write(batch).ok()) expected_ = own_;
}

void WriteTurn::GiveWay() {
  expected_.reset();
  // Counted in polls, not by a clock: a machine that stood still gave the other no time either.
  for (int polls = static_cast<int>(kLongestWait / kPollInterval); true; --polls) {
    absl::StatusOr<std::optional<std::string>> row = engine_->Get(kMetaTable, kTurnKey);
    if (!row.ok() || !row->has_value()) return;
    if (polls == 0 || **row == own_) {
      expected_ = *std::move(row);
      return;
    }
    absl::SleepFor(kPollInterval);
  }
}

void AddTurn(const std::optional<std::string>& expected, kv::WriteBatch* batch) {
  if (expected.has_value()) {
    batch->ExpectValue(kMetaTable, kTurnKey, *expected);
    batch->Delete(kMetaTable, kTurnKey);
  } else {
    batch->ExpectAbsent(kMetaTable, kTurnKey);
  }
}

}  // namespace limbeck::cache
