#include "cli/invoice.h"

#include <optional>

#include "base/status.h"
#include "cli/exit_codes.h"
#include "cli/invoice_text.h"
#include "cli/print.h"

namespace limbeck::cli {
namespace {

// A year of a large team is tens of millions of lines.
constexpr absl::Duration kInvoiceTimeout = absl::Hours(2);

}  // namespace

absl::StatusOr<int> ShowInvoice(Session& session, const v1::GetInvoiceRequest& request, bool csv) {
  const Io& io = session.io();
  const bool json = session.options().json;
  if (csv && json) {
    return absl::InvalidArgumentError("--csv and --json: standard output can only be one of them");
  }
  LIMBECK_ASSIGN_OR_RETURN(auto* stub, session.Jobs());
  grpc::ClientContext context;
  context.set_deadline(absl::ToChronoTime(absl::Now() + kInvoiceTimeout));
  const auto reader = stub->GetInvoice(&context, request);
  InvoiceSummary summary;
  std::optional<v1::InvoiceTotal> total;
  bool begun = false;
  v1::GetInvoiceResponse part;
  while (io.out.good() && reader->Read(&part)) {
    if (csv && !begun) io.out << InvoiceCsvHeader();
    begun = true;
    if (part.has_total()) {
      total = part.total();
    } else if (csv) {
      io.out << InvoiceCsvLine(part.entry());
    } else if (!json) {
      summary.Add(part.entry());
    }
    if (json) LIMBECK_RETURN_IF_ERROR(PrintJson(part, io.out, true));
  }
  io.out << std::flush;
  if (!io.out.good()) {
    context.TryCancel();
    reader->Finish();
    return absl::ResourceExhaustedError("cannot write the invoice; is the disk full?");
  }
  const grpc::Status status = reader->Finish();
  if (!status.ok()) return rpc::FromGrpc(status);
  if (!total.has_value()) {
    return absl::DataLossError("the invoice ended without its total; ask for it again");
  }
  if (csv) {
    io.err << FormatCount(total->entries()) << " lines, spent "
           << FormatUsd(total->account().spent_micro_usd()) << " ("
           << total->account().spent_micro_usd() << " micro-USD)\n";
  } else if (!json) {
    summary.Print(*total, io.out);
  }
  return kExitOk;
}

}  // namespace limbeck::cli
