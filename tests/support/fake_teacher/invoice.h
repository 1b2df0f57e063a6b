// The fake teacher's own books: what it served, and so would bill. Tests compare them with the
// ledger.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"

namespace limbeck::testing {

struct InvoiceLine {
  std::string key;              // SHA-256 of the request body, hexadecimal.
  std::string idempotency_key;  // The request's Idempotency-Key header; may be empty.
  int64_t unix_millis = 0;
  int status = 200;
  std::string note;  // "served", or how the answer was cut: "reset_before", "reset_mid", …

  friend bool operator==(const InvoiceLine&, const InvoiceLine&) = default;
};

// Reads an invoice file: one JSON object a line. A last line without its newline is ignored.
absl::StatusOr<std::vector<InvoiceLine>> ReadInvoice(const std::string& path);

// In memory, and in a file too when one is named. Thread-safe.
class Invoice {
 public:
  // `path` may be empty. An existing file is appended to.
  explicit Invoice(const std::string& path);
  ~Invoice();
  Invoice(const Invoice&) = delete;
  Invoice& operator=(const Invoice&) = delete;

  absl::Status status() const;  // Whether the file could be opened.
  void Add(InvoiceLine line);
  // Writes what was added and syncs it; the answers may be sent afterwards. Ends the process when
  // the disk fails: a fake that answers without an invoice would prove nothing.
  void Sync();

  std::vector<InvoiceLine> lines() const;

 private:
  int fd_ = -1;
  absl::Status status_;
  mutable absl::Mutex mu_;
  std::vector<InvoiceLine> lines_ ABSL_GUARDED_BY(mu_);
  std::string unwritten_ ABSL_GUARDED_BY(mu_);
};

}  // namespace limbeck::testing
