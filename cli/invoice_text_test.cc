#include "cli/invoice_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

namespace limbeck::cli {
namespace {

using testing::HasSubstr;

v1::InvoiceEntry Entry(v1::InvoiceEntryKind kind, int64_t micro_usd) {
  v1::InvoiceEntry entry;
  entry.set_kind(kind);
  entry.set_key(std::string(32, '\x5a'));
  entry.set_row("train:17");
  entry.set_teacher("open");
  entry.mutable_time()->set_seconds(1'795'500'000);
  entry.mutable_usage()->set_reported(kind == v1::INVOICE_ENTRY_KIND_BOUGHT);
  if (entry.usage().reported()) {
    entry.mutable_usage()->set_input_tokens(120);
    entry.mutable_usage()->set_cached_input_tokens(20);
    entry.mutable_usage()->set_output_tokens(3);
  }
  entry.set_micro_usd(micro_usd);
  entry.set_reserved_micro_usd(900);
  entry.set_estimate_micro_usd(250);
  return entry;
}

TEST(InvoiceTextTest, CsvIsAsItAlwaysWas) {
  v1::InvoiceEntry ambiguous = Entry(v1::INVOICE_ENTRY_KIND_AMBIGUOUS, 900);
  ambiguous.set_note("try 1 was sent, its end is \"unknown\"");
  v1::InvoiceEntry cached = Entry(v1::INVOICE_ENTRY_KIND_CACHED, 0);
  cached.set_reserved_micro_usd(0);
  cached.set_estimate_micro_usd(0);
  EXPECT_EQ(InvoiceCsvHeader() + InvoiceCsvLine(Entry(v1::INVOICE_ENTRY_KIND_BOUGHT, 303)) +
                InvoiceCsvLine(Entry(v1::INVOICE_ENTRY_KIND_UNUSABLE, 900)) +
                InvoiceCsvLine(ambiguous) +
                InvoiceCsvLine(Entry(v1::INVOICE_ENTRY_KIND_UNUSED, 0)) + InvoiceCsvLine(cached),
            "time,kind,row,teacher,key,input_tokens,cached_input_tokens,output_tokens,usage,"
            "micro_usd,reserved_micro_usd,estimate_micro_usd,difference_micro_usd,note\n"
            "2026-11-24T06:00:00Z,bought,train:17,open,5a5a5a5a5a5a5a5a,120,20,3,provider,"
            "303,900,250,53,\n"
            "2026-11-24T06:00:00Z,unusable,train:17,open,5a5a5a5a5a5a5a5a,,,,upper bound,"
            "900,900,250,650,\n"
            "2026-11-24T06:00:00Z,ambiguous,train:17,open,5a5a5a5a5a5a5a5a,,,,,"
            "900,900,250,,\"try 1 was sent, its end is \"\"unknown\"\"\"\n"
            "2026-11-24T06:00:00Z,unused,train:17,open,5a5a5a5a5a5a5a5a,,,,,0,900,250,,\n"
            "2026-11-24T06:00:00Z,cached,train:17,open,5a5a5a5a5a5a5a5a,,,,,0,0,0,,\n");
}

TEST(InvoiceTextTest, TextThatLooksLikeAFormulaIsMadeText) {
  v1::InvoiceEntry entry = Entry(v1::INVOICE_ENTRY_KIND_UNUSED, 0);
  entry.set_note("=HYPERLINK(\"http://x\")\nline");
  EXPECT_THAT(InvoiceCsvLine(entry), HasSubstr(",\"'=HYPERLINK(\"\"http://x\"\")\nline\"\n"));
}

TEST(InvoiceTextTest, SummaryAddsUpByKind) {
  InvoiceSummary summary;
  summary.Add(Entry(v1::INVOICE_ENTRY_KIND_BOUGHT, 300));
  summary.Add(Entry(v1::INVOICE_ENTRY_KIND_BOUGHT, 200));
  summary.Add(Entry(v1::INVOICE_ENTRY_KIND_UNUSABLE, 900));
  v1::InvoiceTotal total;
  total.mutable_account()->set_name("job/1");
  total.mutable_account()->set_spent_micro_usd(1400);
  std::ostringstream out;
  summary.Print(total, out);
  EXPECT_THAT(out.str(), HasSubstr("bought"));
  EXPECT_THAT(out.str(), HasSubstr("240"));
  EXPECT_THAT(out.str(), HasSubstr("$0.0005"));
  EXPECT_THAT(out.str(), HasSubstr("1400 micro-USD"));
}

}  // namespace
}  // namespace limbeck::cli
