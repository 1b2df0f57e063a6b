// The ledger's rows as lines of an invoice.
#pragma once

#include <functional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/kv/engine.h"
#include "cache/client/cache_client.h"

namespace limbeck::cache {

// Gives `visit` every line of `account` in the order of claims, then what a job was served from the
// cache in the order of keys. Reads the claims between the account's first and last, in constant
// memory; pass a snapshot when writers are at work. NOT_FOUND for an unknown account; DATA_LOSS
// when the lines do not add up to the account; an error of `visit` ends the reading.
absl::StatusOr<InvoiceTotal> ReadInvoice(
    const kv::Reader& reader, const std::string& account,
    const std::function<absl::Status(const InvoiceEntry&)>& visit);

}  // namespace limbeck::cache
