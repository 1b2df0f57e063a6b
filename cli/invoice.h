// Reads an invoice and shows it as it comes; shared by `jobs invoice` and `teams invoice`.
#pragma once

#include "absl/status/statusor.h"
#include "cli/session.h"
#include "limbeck/v1/distillation_service.pb.h"

namespace limbeck::cli {

// Sums by kind for people, a line per call with `csv`, a JSON object per call with --json. Nothing
// is collected, so an invoice may be larger than memory. The value is the exit status.
absl::StatusOr<int> ShowInvoice(Session& session, const v1::GetInvoiceRequest& request, bool csv);

}  // namespace limbeck::cli
