// Recomputes every account from the ledger's rows. A difference is a bug or damage, never normal.
#pragma once

#include "absl/status/status.h"
#include "base/kv/engine.h"

namespace limbeck::cache {

// DATA_LOSS names the first account, claim or ambiguous call that does not add up, with both sides.
// Reads everything; pass a snapshot when writers are at work. INTERNAL: an account holds more than
// its ceiling although `strict_ceilings` says that ceilings were never lowered.
absl::Status AuditLedger(const kv::Reader& reader, bool strict_ceilings);

}  // namespace limbeck::cache
