#include "cli/invoice_text.h"

#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/time/time.h"
#include "base/hash.h"
#include "cli/print.h"

namespace limbeck::cli {
namespace {

constexpr size_t kKeyDigits = 16;
constexpr const char* kColumns[] = {"time",
                                    "kind",
                                    "row",
                                    "teacher",
                                    "key",
                                    "input_tokens",
                                    "cached_input_tokens",
                                    "output_tokens",
                                    "usage",
                                    "micro_usd",
                                    "reserved_micro_usd",
                                    "estimate_micro_usd",
                                    "difference_micro_usd",
                                    "note"};

std::string KindName(v1::InvoiceEntryKind kind) {
  return absl::AsciiStrToLower(EnumName(v1::InvoiceEntryKind_Name(kind), "INVOICE_ENTRY_KIND_"));
}

std::string Text(const std::string& text) {
  const bool formula = !text.empty() && std::string("=+-@\t\r").find(text[0]) != std::string::npos;
  const std::string safe = formula ? absl::StrCat("'", text) : text;
  if (safe.find_first_of(",\"\r\n") == std::string::npos) return safe;
  return absl::StrCat("\"", absl::StrReplaceAll(safe, {{"\"", "\"\""}}), "\"");
}

std::string UtcTime(const google::protobuf::Timestamp& time) {
  return absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", absl::FromUnixSeconds(time.seconds()),
                          absl::UTCTimeZone());
}

// Calls that the provider has billed, with or without its count of tokens.
bool IsBilled(v1::InvoiceEntryKind kind) {
  return kind == v1::INVOICE_ENTRY_KIND_BOUGHT || kind == v1::INVOICE_ENTRY_KIND_LATE ||
         kind == v1::INVOICE_ENTRY_KIND_UNUSABLE;
}

}  // namespace

std::string InvoiceCsvHeader() { return absl::StrCat(absl::StrJoin(kColumns, ","), "\n"); }

std::string InvoiceCsvLine(const v1::InvoiceEntry& entry) {
  const bool billed = IsBilled(entry.kind());
  const v1::CallUsage& usage = entry.usage();
  const auto tokens = [&](uint64_t count) {
    return usage.reported() ? absl::StrCat(count) : std::string();
  };
  const std::vector<std::string> cells = {
      UtcTime(entry.time()),
      KindName(entry.kind()),
      Text(entry.row()),
      Text(entry.teacher()),
      HexEncode(entry.key()).substr(0, kKeyDigits),
      tokens(usage.input_tokens()),
      tokens(usage.cached_input_tokens()),
      tokens(usage.output_tokens()),
      billed ? (usage.reported() ? "provider" : "upper bound") : "",
      absl::StrCat(entry.micro_usd()),
      absl::StrCat(entry.reserved_micro_usd()),
      absl::StrCat(entry.estimate_micro_usd()),
      billed ? absl::StrCat(entry.micro_usd() - entry.estimate_micro_usd()) : "",
      Text(entry.note())};
  return absl::StrCat(absl::StrJoin(cells, ","), "\n");
}

void InvoiceSummary::Add(const v1::InvoiceEntry& entry) {
  Sums& sums = kinds_[entry.kind()];
  const bool billed = IsBilled(entry.kind());
  ++sums.lines;
  sums.input_tokens += entry.usage().input_tokens();
  sums.cached_input_tokens += entry.usage().cached_input_tokens();
  sums.output_tokens += entry.usage().output_tokens();
  sums.without_usage += billed && !entry.usage().reported() ? 1 : 0;
  sums.micro_usd += entry.micro_usd();
  sums.estimate_micro_usd += billed ? entry.estimate_micro_usd() : 0;
}

void InvoiceSummary::Print(const v1::InvoiceTotal& total, std::ostream& out) const {
  std::vector<std::vector<std::string>> rows;
  for (const auto& [kind, sums] : kinds_) {
    rows.push_back({KindName(kind), FormatCount(sums.lines), FormatCount(sums.input_tokens),
                    FormatCount(sums.cached_input_tokens), FormatCount(sums.output_tokens),
                    FormatUsd(sums.micro_usd), FormatUsd(sums.estimate_micro_usd),
                    FormatCount(sums.without_usage)});
  }
  PrintTable({"KIND", "CALLS", "INPUT", "OF IT CACHED", "OUTPUT", "SPENT", "ESTIMATED", "NO USAGE"},
             rows, out);
  const v1::Account& account = total.account();
  out << "\naccount   " << account.name() << '\n'
      << "spent     " << FormatUsd(account.spent_micro_usd()) << " (" << account.spent_micro_usd()
      << " micro-USD), of it on unknown outcomes " << FormatUsd(account.ambiguous_micro_usd())
      << '\n'
      << "reserved  " << FormatUsd(account.reserved_micro_usd()) << '\n'
      << "reused    " << FormatCount(account.answers_reused()) << " answers\n"
      << std::flush;
}

}  // namespace limbeck::cli
