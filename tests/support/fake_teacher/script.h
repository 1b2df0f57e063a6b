// How the fake teacher misbehaves: read from JSON, decided per request.
//
//   {"seed": 7, "latency_ms": 5, "latency_jitter_ms": 10, "labels": ["yes", "no"],
//    "keywords": {"good": "yes"}, "softness": 1,
//    "faults": [{"kind": "rate_limited", "ratio": 0.2, "retry_after": "1", "first_attempts": 1},
//               {"kind": "reset_mid", "when_contains": "MARK-7"}]}
//
// The first fault that applies is used. One applies when its marker is in the request body (if it
// has a marker), its key is the request's (if it has a key), the request is one of `requests`
// (if it names any, counted from 1), the body was seen fewer than `first_attempts` times before (if
// set), and a draw that is a function of (seed, body, how often it was seen) falls below `ratio`
// (default 1).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "tests/support/fake_teacher/language.h"

namespace limbeck::testing {

enum class FaultKind {
  kNone,
  kRateLimited,      // 429; with "retry_after" as that header.
  kStatus,           // "status", with "body" and "headers".
  kBilling,          // 429 with the provider's billing code.
  kResetBefore,      // Served, then RST before the first byte.
  kResetMid,         // Served, then RST within the body.
  kCloseMid,         // Served, then FIN within the body.
  kHang,             // Served, never answered.
  kTruncatedJson,    // 200, half of the JSON under a fitting Content-Length.
  kMalformedJson,    // 200, not JSON.
  kMissingLogprobs,  // 200, `"logprobs": null`.
  kRefusal,          // 200, a refusal.
  kGarbage,          // 200, text that is no label.
  kErrorIn200,       // 200 whose body is an error.
  kBody,             // 200 with "body" and "headers" as they stand.
  kBadKey,           // The provider knows no such key.
  kHoldMid,          // Served, a part sent, and then nothing.
  kTrickle,          // Served, a byte every "interval_ms".
  kHugeBody,         // Served, "bytes" of blanks.
  kGzipBomb,         // Served, "bytes" of blanks, compressed.
  kWrongModel,       // Served by another model than the one asked.
  kWrongUsage        // Served, "bytes" as the count of output tokens.
};

struct Fault {
  FaultKind kind = FaultKind::kNone;
  double ratio = 1;
  std::string when_contains;
  int first_attempts = 0;  // 0: every attempt.
  // SHA-256 of the request body, or its Idempotency-Key.
  std::string when_key;
  std::vector<uint64_t> requests;
  int status = 500;
  // A wait, in the provider's place for it.
  std::string retry_after;
  // Of kStatus and kBody; of kStatus an error body when empty.
  std::string body;
  // Sent with kStatus and kBody.
  std::vector<std::pair<std::string, std::string>> headers;
  // "before": 5xx and the like are not billed (the default); "after": the call is on the invoice.
  bool billed = false;
  // Of the cuts within an answer: bytes sent before; absent: the head and half of the body.
  std::optional<size_t> cut_at;
  // Answers in chunks, so that a cut is one within a chunk.
  bool chunked = false;
  uint64_t bytes = 0;
  absl::Duration delay;  // Beyond the script's latency.
  absl::Duration interval = absl::Seconds(1);
};

// What is known of a request when its fault is chosen.
struct Sighting {
  std::string_view body;
  std::string_view key;  // SHA-256 of the body.
  std::string_view idempotency_key;
  uint64_t seen = 0;    // How often it came before.
  uint64_t number = 0;  // Counted over all requests, from 1.
};

struct Script {
  uint64_t seed = 1;
  absl::Duration latency;
  absl::Duration latency_jitter;
  LanguageOptions language;
  // Requests that do not bring this key are turned away; empty: anyone is served.
  std::string api_key;
  std::vector<Fault> faults;
  // The JSON of BatchScript (batches.h).
  std::string batch = "{}";
};

// `text` is JSON. INVALID_ARGUMENT names the unknown key or kind.
absl::StatusOr<Script> ParseScript(std::string_view text);

// The name used in JSON and in the invoice's note.
std::string_view FaultName(FaultKind kind);

Fault ChooseFault(const Script& script, const Sighting& request);

absl::Duration ChooseLatency(const Script& script, const Sighting& request);

}  // namespace limbeck::testing
