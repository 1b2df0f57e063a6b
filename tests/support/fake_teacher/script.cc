#include "tests/support/fake_teacher/script.h"

#include <algorithm>
#include <iterator>
#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "base/hash.h"
#include "base/string_view.h"

namespace limbeck::testing {
namespace {

using nlohmann::json;

constexpr std::string_view kFaultNames[] = {"none",
                                            "rate_limited",
                                            "status",
                                            "billing",
                                            "reset_before",
                                            "reset_mid",
                                            "close_mid",
                                            "hang",
                                            "truncated_json",
                                            "malformed_json",
                                            "missing_logprobs",
                                            "refusal",
                                            "garbage",
                                            "error_in_200",
                                            "body",
                                            "bad_key",
                                            "hold_mid",
                                            "trickle",
                                            "huge_body",
                                            "gzip_bomb",
                                            "wrong_model",
                                            "wrong_usage"};

double Uniform(const Script& script, const Sighting& request, uint64_t purpose) {
  return StableRandom(script.seed + 1000 * purpose, Xxh3(request.body, request.seen)).Uniform();
}

bool Applies(const Fault& fault, const Sighting& request) {
  if (request.body.find(fault.when_contains) == request.body.npos) return false;
  if (!fault.when_key.empty() && fault.when_key != request.key &&
      fault.when_key != request.idempotency_key) {
    return false;
  }
  if (fault.first_attempts > 0 && request.seen >= static_cast<uint64_t>(fault.first_attempts)) {
    return false;
  }
  return fault.requests.empty() || std::find(fault.requests.begin(), fault.requests.end(),
                                             request.number) != fault.requests.end();
}

FaultKind KindOf(const std::string& name) {
  const auto* found = std::find(std::begin(kFaultNames), std::end(kFaultNames), name);
  return found == std::end(kFaultNames) ? FaultKind::kNone
                                        : static_cast<FaultKind>(found - std::begin(kFaultNames));
}

// What a fault does, as opposed to when. False: there is no such key.
bool ReadEffect(const std::string& key, const json& value, Fault* fault) {
  if (key == "status") {
    fault->status = value.get<int>();
  } else if (key == "retry_after") {
    fault->retry_after = value.get<std::string>();
  } else if (key == "billed") {
    fault->billed = value.get<bool>();
  } else if (key == "body") {
    fault->body = value.get<std::string>();
  } else if (key == "cut_at") {
    fault->cut_at = value.get<size_t>();
  } else if (key == "chunked") {
    fault->chunked = value.get<bool>();
  } else if (key == "bytes") {
    fault->bytes = value.get<uint64_t>();
  } else if (key == "delay_ms") {
    fault->delay = absl::Milliseconds(value.get<double>());
  } else if (key == "interval_ms") {
    fault->interval = absl::Milliseconds(value.get<double>());
  } else if (key == "headers") {
    for (const auto& [name, text] : value.items()) {
      fault->headers.emplace_back(name, text.get<std::string>());
    }
  } else {
    return false;
  }
  return true;
}

absl::Status ReadFault(const json& from, Fault* fault) {
  for (const auto& [key, value] : from.items()) {
    if (key == "kind") {
      const std::string kind = value.get<std::string>();
      fault->kind = KindOf(kind);
      if (fault->kind == FaultKind::kNone) {
        return absl::InvalidArgumentError(absl::StrCat("unknown fault kind ", kind));
      }
    } else if (key == "ratio") {
      fault->ratio = value.get<double>();
    } else if (key == "when_contains") {
      fault->when_contains = value.get<std::string>();
    } else if (key == "when_key") {
      fault->when_key = value.get<std::string>();
    } else if (key == "requests") {
      fault->requests = value.get<std::vector<uint64_t>>();
    } else if (key == "first_attempts") {
      fault->first_attempts = value.get<int>();
    } else if (!ReadEffect(key, value, fault)) {
      return absl::InvalidArgumentError(absl::StrCat("unknown key in fault: ", key));
    }
  }
  return absl::OkStatus();
}

absl::Status ReadScript(const json& from, Script* script) {
  for (const auto& [key, value] : from.items()) {
    if (key == "seed") {
      script->seed = value.get<uint64_t>();
    } else if (key == "latency_ms") {
      script->latency = absl::Milliseconds(value.get<double>());
    } else if (key == "latency_jitter_ms") {
      script->latency_jitter = absl::Milliseconds(value.get<double>());
    } else if (key == "labels") {
      script->language.labels = value.get<std::vector<std::string>>();
    } else if (key == "keywords") {
      script->language.keywords = value.get<std::map<std::string, std::string>>();
    } else if (key == "softness") {
      script->language.softness = value.get<double>();
    } else if (key == "batch") {
      script->batch = value.dump();
    } else if (key == "api_key") {
      script->api_key = value.get<std::string>();
    } else if (key == "faults") {
      for (const json& one : value) {
        Fault fault;
        if (absl::Status status = ReadFault(one, &fault); !status.ok()) return status;
        script->faults.push_back(std::move(fault));
      }
    } else {
      return absl::InvalidArgumentError(absl::StrCat("unknown key in script: ", key));
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Script> ParseScript(std::string_view text) {
  Script script;
  try {
    const json from = json::parse(text);
    if (!from.is_object()) return absl::InvalidArgumentError("script is not a JSON object");
    if (absl::Status status = ReadScript(from, &script); !status.ok()) return status;
  } catch (const json::exception& error) {
    return absl::InvalidArgumentError(absl::StrCat("script: ", error.what()));
  }
  return script;
}

std::string_view FaultName(FaultKind kind) { return kFaultNames[static_cast<size_t>(kind)]; }

Fault ChooseFault(const Script& script, const Sighting& request) {
  for (size_t i = 0; i < script.faults.size(); ++i) {
    const Fault& fault = script.faults[i];
    if (Applies(fault, request) && Uniform(script, request, i + 1) < fault.ratio) return fault;
  }
  return Fault();
}

absl::Duration ChooseLatency(const Script& script, const Sighting& request) {
  if (script.latency_jitter == absl::ZeroDuration()) return script.latency;
  return script.latency + Uniform(script, request, 0) * script.latency_jitter;
}

}  // namespace limbeck::testing
