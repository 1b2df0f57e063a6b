// Lines of an invoice as CSV, and their sums for people.
#pragma once

#include <cstdint>
#include <map>
#include <ostream>
#include <string>

#include "limbeck/v1/cache_service.pb.h"

namespace limbeck::cli {

// Names of the columns, with the line's end.
std::string InvoiceCsvHeader();

// One line, with its end. Quoted as RFC 4180 says; text that a spreadsheet would take for a formula
// is led by an apostrophe.
std::string InvoiceCsvLine(const v1::InvoiceEntry& entry);

// Sums by kind, in constant memory.
class InvoiceSummary {
 public:
  void Add(const v1::InvoiceEntry& entry);
  // A small table, then the account.
  void Print(const v1::InvoiceTotal& total, std::ostream& out) const;

 private:
  struct Sums {
    uint64_t lines = 0;
    uint64_t input_tokens = 0;
    uint64_t cached_input_tokens = 0;
    uint64_t output_tokens = 0;
    uint64_t without_usage = 0;
    int64_t micro_usd = 0;
    int64_t estimate_micro_usd = 0;
  };
  std::map<v1::InvoiceEntryKind, Sums> kinds_;
};

}  // namespace limbeck::cli
