#include "cache/ledger/requests.h"

#include <set>

#include "absl/strings/str_cat.h"
#include "base/hash.h"
#include "base/status.h"
#include "cache/client/accounts.h"
#include "cache/ledger/ledger.h"
#include "cache/records/key.h"
#include "cache/records/record_codec.h"

namespace limbeck::cache {
namespace {

absl::Status Invalid(std::string_view field, std::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat(ToAbsl(field), ": ", ToAbsl(what)));
}

absl::Status CheckCount(size_t count) {
  if (count <= kMaxBatchItems) return absl::OkStatus();
  return Invalid("items", absl::StrCat(count, " given, at most ", kMaxBatchItems, " per request"));
}

absl::Status CheckMoney(std::string_view field, int64_t micro_usd) {
  if (micro_usd >= 0 && micro_usd <= kMaxMicroUsd) return absl::OkStatus();
  return Invalid(field, absl::StrCat(micro_usd, " is not within 0 … ", kMaxMicroUsd));
}

absl::Status CheckKey(std::string_view field, const std::string& key) {
  if (key.size() == kKeyBytes) return absl::OkStatus();
  return Invalid(field, absl::StrCat(key.size(), " bytes, expected ", kKeyBytes));
}

std::string ItemField(size_t i, std::string_view field) {
  return absl::StrCat("items[", i, "].", ToAbsl(field));
}

}  // namespace

absl::Status CheckName(std::string_view field, const std::string& name) {
  if (name.empty()) return Invalid(field, "is empty");
  if (name.size() > kMaxNameBytes) {
    return Invalid(field, absl::StrCat(name.size(), " bytes, at most ", kMaxNameBytes));
  }
  return absl::OkStatus();
}

absl::Status CheckSetCeiling(const std::string& account, int64_t ceiling_micro_usd,
                             int64_t month_ceiling_micro_usd) {
  LIMBECK_RETURN_IF_ERROR(CheckName("account", account));
  if (ceiling_micro_usd < 0) {
    return Invalid("ceiling_micro_usd", absl::StrCat(ceiling_micro_usd, " is negative"));
  }
  if (month_ceiling_micro_usd < 0) {
    return Invalid("month_ceiling_micro_usd",
                   absl::StrCat(month_ceiling_micro_usd, " is negative; 0 means none"));
  }
  if (month_ceiling_micro_usd > 0 && !IsTeamAccount(account)) {
    return Invalid("month_ceiling_micro_usd",
                   absl::StrCat("only teams have months, \"", account, "\" is none"));
  }
  return absl::OkStatus();
}

absl::Status CheckAcquire(const AcquireRequest& request) {
  LIMBECK_RETURN_IF_ERROR(CheckName("domain", request.domain));
  LIMBECK_RETURN_IF_ERROR(CheckCount(request.items.size()));
  if (request.request_id.size() > kMaxRequestIdBytes) {
    return Invalid("request_id", absl::StrCat("at most ", kMaxRequestIdBytes, " bytes"));
  }
  for (size_t i = 0; i < request.items.size(); ++i) {
    const AcquireItem& item = request.items[i];
    if (item.canonical_request.empty() ||
        item.canonical_request.size() > kMaxCanonicalRequestBytes) {
      return Invalid(ItemField(i, "canonical_request"),
                     absl::StrCat(item.canonical_request.size(), " bytes, expected 1 … ",
                                  kMaxCanonicalRequestBytes));
    }
    LIMBECK_RETURN_IF_ERROR(CheckMoney(ItemField(i, "reserve_micro_usd"), item.reserve_micro_usd));
    LIMBECK_RETURN_IF_ERROR(
        CheckMoney(ItemField(i, "estimate_micro_usd"), item.estimate_micro_usd));
    if (item.row.size() > kMaxNoteBytes) {
      return Invalid(ItemField(i, "row"), absl::StrCat("at most ", kMaxNoteBytes, " bytes"));
    }
  }
  if (request.teacher.size() > kMaxNameBytes) {
    return Invalid("teacher", absl::StrCat("at most ", kMaxNameBytes, " bytes"));
  }
  if (request.lookup_only) return absl::OkStatus();
  LIMBECK_RETURN_IF_ERROR(CheckName("owner.gateway", request.owner.gateway));
  if (request.accounts.empty() || request.accounts.size() > kMaxAccountsPerClaim) {
    return Invalid("accounts", absl::StrCat(request.accounts.size(), " given, expected 1 … ",
                                            kMaxAccountsPerClaim));
  }
  std::set<std::string> seen;
  for (const std::string& account : request.accounts) {
    LIMBECK_RETURN_IF_ERROR(CheckName("accounts", account));
    if (!seen.insert(account).second) {
      return Invalid("accounts", absl::StrCat("\"", account, "\" is named twice"));
    }
  }
  if (request.claim_life < absl::Seconds(1) || request.claim_life > kMaxClaimLife) {
    return Invalid("claim_seconds",
                   absl::StrCat("expected 1 … ", absl::ToInt64Seconds(kMaxClaimLife)));
  }
  return absl::OkStatus();
}

absl::Status CheckRelease(const std::string& domain, const std::vector<ReleaseItem>& items,
                          const std::string& request_id) {
  LIMBECK_RETURN_IF_ERROR(CheckName("domain", domain));
  LIMBECK_RETURN_IF_ERROR(CheckCount(items.size()));
  if (request_id.size() > kMaxRequestIdBytes) {
    return Invalid("request_id", absl::StrCat("at most ", kMaxRequestIdBytes, " bytes"));
  }
  for (size_t i = 0; i < items.size(); ++i) {
    LIMBECK_RETURN_IF_ERROR(CheckKey(ItemField(i, "key"), items[i].key));
    LIMBECK_RETURN_IF_ERROR(
        CheckMoney(ItemField(i, "actual_micro_usd"), items[i].actual_micro_usd));
    if (items[i].note.size() > kMaxNoteBytes) {
      return Invalid(ItemField(i, "note"), absl::StrCat("at most ", kMaxNoteBytes, " bytes"));
    }
    if (items[i].keep_claim && items[i].reason != ReleaseItem::Reason::kAmbiguous) {
      return Invalid(ItemField(i, "keep_claim"), "only goes with AMBIGUOUS");
    }
  }
  return absl::OkStatus();
}

namespace {

// A refusal has no candidates whatever was asked for, and asking again would only buy it again: it
// serves what it was asked for. An answer that lacks them for another reason may get them next
// time.
absl::StatusOr<uint32_t> ServesOf(std::string_view record) {
  LIMBECK_ASSIGN_OR_RETURN(const RecordHeader header, CheckRecord(record));
  if (header.support != Support::kTextOnly || header.top_logprobs == 0) return header.Serves();
  LIMBECK_ASSIGN_OR_RETURN(const SoftOutput output, DecodeRecord(record));
  const bool refused = output.finish_reason == FinishReason::kRefusal ||
                       output.finish_reason == FinishReason::kFilter;
  return refused ? header.top_logprobs : header.Serves();
}

}  // namespace

absl::StatusOr<std::vector<CheckedCommit>> CheckCommit(const std::string& domain,
                                                       const std::vector<CommitItem>& items,
                                                       size_t max_bytes) {
  LIMBECK_RETURN_IF_ERROR(CheckName("domain", domain));
  LIMBECK_RETURN_IF_ERROR(CheckCount(items.size()));
  std::vector<CheckedCommit> checked;
  checked.reserve(items.size());
  size_t bytes = 0;
  for (size_t i = 0; i < items.size(); ++i) {
    const CommitItem& item = items[i];
    LIMBECK_RETURN_IF_ERROR(CheckKey(ItemField(i, "key"), item.key));
    LIMBECK_RETURN_IF_ERROR(CheckMoney(ItemField(i, "actual_micro_usd"), item.actual_micro_usd));
    const absl::StatusOr<uint32_t> serves = ServesOf(item.record);
    if (!serves.ok()) {
      return Invalid(ItemField(i, "record"), ToStd(serves.status().message()));
    }
    if (item.record.size() > kMaxRecordBytes) {
      return Invalid(ItemField(i, "record"), absl::StrCat("at most ", kMaxRecordBytes, " bytes"));
    }
    bytes += item.record.size();
    checked.push_back({&item, *serves, Xxh3(item.record)});
  }
  if (bytes > max_bytes) {
    return Invalid("items",
                   absl::StrCat(bytes, " record bytes, at most ", max_bytes, " per request"));
  }
  return checked;
}

}  // namespace limbeck::cache
