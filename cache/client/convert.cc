#include "cache/client/convert.h"

#include <algorithm>

namespace limbeck::cache {
namespace {

constexpr absl::Duration kDefaultClaimLife = absl::Minutes(15);
constexpr uint64_t kDefaultCreditBytes = 4u << 20;
constexpr int64_t kMicrosPerSecond = 1'000'000;
// The wire's enum has a zeroth value, ours has not.
static_assert(static_cast<int>(InvoiceEntry::Kind::kCached) + 1 == v1::INVOICE_ENTRY_KIND_CACHED);

absl::Status UnknownOutcome(const char* what) {
  return absl::InternalError(std::string("the cache answered with an unknown ") + what);
}

}  // namespace

v1::AcquireRequest ToProto(const AcquireRequest& request) {
  v1::AcquireRequest message;
  message.set_domain(request.domain);
  for (const std::string& account : request.accounts) message.add_accounts(account);
  message.mutable_owner()->set_gateway(request.owner.gateway);
  message.mutable_owner()->set_incarnation(request.owner.incarnation);
  for (const AcquireItem& item : request.items) {
    v1::AcquireItem* added = message.add_items();
    added->set_canonical_request(item.canonical_request);
    added->set_top_logprobs(item.top_logprobs);
    added->set_reserve_micro_usd(item.reserve_micro_usd);
    added->set_estimate_micro_usd(item.estimate_micro_usd);
    added->set_row(item.row);
  }
  // Lives are whole seconds on the wire; rounding up never shortens one.
  const int64_t seconds = absl::ToInt64Seconds(absl::Ceil(request.claim_life, absl::Seconds(1)));
  message.set_claim_seconds(static_cast<uint32_t>(std::clamp<int64_t>(seconds, 1, UINT32_MAX)));
  message.set_include_records(request.include_records);
  message.set_lookup_only(request.lookup_only);
  message.set_request_id(request.request_id);
  message.set_teacher(request.teacher);
  return message;
}

AcquireRequest FromProto(v1::AcquireRequest message) {
  AcquireRequest request;
  request.domain = std::move(*message.mutable_domain());
  request.accounts.assign(message.accounts().begin(), message.accounts().end());
  request.owner = {message.owner().gateway(), message.owner().incarnation()};
  request.items.reserve(static_cast<size_t>(message.items_size()));
  for (v1::AcquireItem& item : *message.mutable_items()) {
    request.items.push_back({std::move(*item.mutable_canonical_request()), item.top_logprobs(),
                             item.reserve_micro_usd(), item.estimate_micro_usd(),
                             std::move(*item.mutable_row())});
  }
  request.claim_life =
      message.claim_seconds() == 0 ? kDefaultClaimLife : absl::Seconds(message.claim_seconds());
  request.include_records = message.include_records();
  request.lookup_only = message.lookup_only();
  request.request_id = std::move(*message.mutable_request_id());
  request.teacher = std::move(*message.mutable_teacher());
  return request;
}

absl::StatusOr<AcquireResult> FromProto(v1::AcquireResult message) {
  using Kind = AcquireResult::Kind;
  AcquireResult result;
  result.key = std::move(*message.mutable_key());
  switch (message.outcome_case()) {
    case v1::AcquireResult::kHit:
      result.kind = Kind::kHit;
      result.record = std::move(*message.mutable_hit()->mutable_record());
      return result;
    case v1::AcquireResult::kYours:
      result.kind = Kind::kYours;
      result.fence = message.yours().fence();
      return result;
    case v1::AcquireResult::kWait:
      result.kind = Kind::kWait;
      result.retry_after = absl::Milliseconds(message.wait().retry_after_ms());
      return result;
    case v1::AcquireResult::kRefused:
      result.kind = Kind::kRefused;
      result.refused_account = message.refused().account();
      result.left_micro_usd = message.refused().left_micro_usd();
      return result;
    case v1::AcquireResult::kAbsent:
      result.kind = Kind::kAbsent;
      return result;
    case v1::AcquireResult::OUTCOME_NOT_SET:
      break;
  }
  return UnknownOutcome("outcome of Acquire");
}

v1::AcquireResult ToProto(AcquireResult result) {
  v1::AcquireResult message;
  message.set_key(std::move(result.key));
  switch (result.kind) {
    case AcquireResult::Kind::kHit:
      message.mutable_hit()->set_record(std::move(result.record));
      break;
    case AcquireResult::Kind::kYours:
      message.mutable_yours()->set_fence(result.fence);
      break;
    case AcquireResult::Kind::kWait:
      message.mutable_wait()->set_retry_after_ms(
          static_cast<uint32_t>(absl::ToInt64Milliseconds(result.retry_after)));
      break;
    case AcquireResult::Kind::kRefused:
      message.mutable_refused()->set_account(std::move(result.refused_account));
      message.mutable_refused()->set_left_micro_usd(result.left_micro_usd);
      break;
    case AcquireResult::Kind::kAbsent:
      message.mutable_absent();
      break;
  }
  return message;
}

v1::CallUsage ToProto(const CallUsage& usage) {
  v1::CallUsage message;
  message.set_reported(usage.reported);
  message.set_input_tokens(usage.input_tokens);
  message.set_cached_input_tokens(usage.cached_input_tokens);
  message.set_output_tokens(usage.output_tokens);
  message.set_prompt_bytes(usage.prompt_bytes);
  message.set_micros(usage.micros);
  return message;
}

CallUsage FromProto(const v1::CallUsage& message) {
  return {message.reported(),      message.input_tokens(), message.cached_input_tokens(),
          message.output_tokens(), message.prompt_bytes(), message.micros()};
}

v1::CommitItem ToProto(const CommitItem& item) {
  v1::CommitItem message;
  message.set_key(item.key);
  message.set_fence(item.fence);
  message.set_record(item.record);
  message.set_actual_micro_usd(item.actual_micro_usd);
  *message.mutable_usage() = ToProto(item.usage);
  return message;
}

CommitItem FromProto(v1::CommitItem message) {
  return {std::move(*message.mutable_key()), message.fence(), std::move(*message.mutable_record()),
          message.actual_micro_usd(), FromProto(message.usage())};
}

v1::CommitOutcome ToProto(CommitOutcome outcome) {
  return outcome == CommitOutcome::kStored ? v1::COMMIT_OUTCOME_STORED
                                           : v1::COMMIT_OUTCOME_KEPT_AS_LATE;
}

absl::StatusOr<CommitOutcome> FromProto(v1::CommitOutcome outcome) {
  if (outcome == v1::COMMIT_OUTCOME_STORED) return CommitOutcome::kStored;
  if (outcome == v1::COMMIT_OUTCOME_KEPT_AS_LATE) return CommitOutcome::kKeptAsLate;
  return UnknownOutcome("outcome of Commit");
}

v1::ReleaseItem ToProto(const ReleaseItem& item) {
  v1::ReleaseItem message;
  message.set_key(item.key);
  message.set_fence(item.fence);
  switch (item.reason) {
    case ReleaseItem::Reason::kNotBilled:
      message.set_reason(v1::RELEASE_REASON_NOT_BILLED);
      break;
    case ReleaseItem::Reason::kAmbiguous:
      message.set_reason(v1::RELEASE_REASON_AMBIGUOUS);
      break;
    case ReleaseItem::Reason::kBilledUnusable:
      message.set_reason(v1::RELEASE_REASON_BILLED_UNUSABLE);
      break;
  }
  message.set_actual_micro_usd(item.actual_micro_usd);
  message.set_keep_claim(item.keep_claim);
  message.set_note(item.note);
  *message.mutable_usage() = ToProto(item.usage);
  return message;
}

absl::StatusOr<ReleaseItem> FromProto(v1::ReleaseItem message) {
  ReleaseItem item;
  item.key = std::move(*message.mutable_key());
  item.fence = message.fence();
  item.actual_micro_usd = message.actual_micro_usd();
  item.keep_claim = message.keep_claim();
  item.note = std::move(*message.mutable_note());
  item.usage = FromProto(message.usage());
  switch (message.reason()) {
    case v1::RELEASE_REASON_NOT_BILLED:
      item.reason = ReleaseItem::Reason::kNotBilled;
      return item;
    case v1::RELEASE_REASON_AMBIGUOUS:
      item.reason = ReleaseItem::Reason::kAmbiguous;
      return item;
    case v1::RELEASE_REASON_BILLED_UNUSABLE:
      item.reason = ReleaseItem::Reason::kBilledUnusable;
      return item;
    default:
      return absl::InvalidArgumentError("items.reason: not given, or unknown to this server");
  }
}

v1::ReleaseOutcome ToProto(ReleaseOutcome outcome) {
  switch (outcome) {
    case ReleaseOutcome::kReleased:
      return v1::RELEASE_OUTCOME_RELEASED;
    case ReleaseOutcome::kKept:
      return v1::RELEASE_OUTCOME_KEPT;
    case ReleaseOutcome::kNoMoney:
      return v1::RELEASE_OUTCOME_NO_MONEY;
    case ReleaseOutcome::kNotHeld:
      return v1::RELEASE_OUTCOME_NOT_HELD;
  }
  return v1::RELEASE_OUTCOME_UNSPECIFIED;
}

absl::StatusOr<ReleaseOutcome> FromProto(v1::ReleaseOutcome outcome) {
  switch (outcome) {
    case v1::RELEASE_OUTCOME_RELEASED:
      return ReleaseOutcome::kReleased;
    case v1::RELEASE_OUTCOME_KEPT:
      return ReleaseOutcome::kKept;
    case v1::RELEASE_OUTCOME_NO_MONEY:
      return ReleaseOutcome::kNoMoney;
    case v1::RELEASE_OUTCOME_NOT_HELD:
      return ReleaseOutcome::kNotHeld;
    default:
      return UnknownOutcome("outcome of Release");
  }
}

v1::Account ToProto(const AccountState& account) {
  v1::Account message;
  message.set_name(account.name);
  message.set_ceiling_micro_usd(account.ceiling_micro_usd);
  message.set_reserved_micro_usd(account.reserved_micro_usd);
  message.set_spent_micro_usd(account.spent_micro_usd);
  message.set_ambiguous_micro_usd(account.ambiguous_micro_usd);
  message.set_answers_bought(account.answers_bought);
  message.set_answers_reused(account.answers_reused);
  message.set_calls_ambiguous(account.calls_ambiguous);
  message.set_month_ceiling_micro_usd(account.month_ceiling_micro_usd);
  return message;
}

AccountState FromProto(const v1::Account& message) {
  AccountState account;
  account.name = message.name();
  account.ceiling_micro_usd = message.ceiling_micro_usd();
  account.reserved_micro_usd = message.reserved_micro_usd();
  account.spent_micro_usd = message.spent_micro_usd();
  account.ambiguous_micro_usd = message.ambiguous_micro_usd();
  account.answers_bought = message.answers_bought();
  account.answers_reused = message.answers_reused();
  account.calls_ambiguous = message.calls_ambiguous();
  account.month_ceiling_micro_usd = message.month_ceiling_micro_usd();
  return account;
}

v1::TeacherStats ToProto(const TeacherStats& stats) {
  v1::TeacherStats message;
  message.set_calls(stats.calls);
  message.set_prompt_bytes(stats.prompt_bytes);
  message.set_input_tokens(stats.input_tokens);
  message.set_output_tokens(stats.output_tokens);
  message.set_micros(stats.micros);
  message.set_input_rate_sum(stats.input_rate_sum);
  message.set_input_rate_squares(stats.input_rate_squares);
  message.set_output_squares(stats.output_squares);
  return message;
}

TeacherStats FromProto(const v1::TeacherStats& message) {
  return {message.calls(),
          message.prompt_bytes(),
          message.input_tokens(),
          message.output_tokens(),
          message.micros(),
          message.input_rate_sum(),
          message.input_rate_squares(),
          message.output_squares()};
}

v1::InvoiceEntry ToProto(const InvoiceEntry& entry) {
  v1::InvoiceEntry message;
  message.set_kind(static_cast<v1::InvoiceEntryKind>(static_cast<int>(entry.kind) + 1));
  message.set_key(entry.key);
  message.set_row(entry.row);
  message.set_teacher(entry.teacher);
  message.mutable_time()->set_seconds(entry.unix_micros / kMicrosPerSecond);
  message.mutable_time()->set_nanos(
      static_cast<int32_t>(entry.unix_micros % kMicrosPerSecond * 1000));
  *message.mutable_usage() = ToProto(entry.usage);
  message.set_micro_usd(entry.micro_usd);
  message.set_reserved_micro_usd(entry.reserved_micro_usd);
  message.set_estimate_micro_usd(entry.estimate_micro_usd);
  message.set_note(entry.note);
  message.set_fence(entry.fence);
  return message;
}

absl::StatusOr<InvoiceEntry> FromProto(v1::InvoiceEntry message) {
  if (!v1::InvoiceEntryKind_IsValid(message.kind()) ||
      message.kind() == v1::INVOICE_ENTRY_KIND_UNSPECIFIED) {
    return UnknownOutcome("kind of invoice entry");
  }
  InvoiceEntry entry;
  entry.kind = static_cast<InvoiceEntry::Kind>(message.kind() - 1);
  entry.fence = message.fence();
  entry.key = std::move(*message.mutable_key());
  entry.row = std::move(*message.mutable_row());
  entry.teacher = std::move(*message.mutable_teacher());
  entry.unix_micros = message.time().seconds() * kMicrosPerSecond + message.time().nanos() / 1000;
  entry.usage = FromProto(message.usage());
  entry.micro_usd = message.micro_usd();
  entry.reserved_micro_usd = message.reserved_micro_usd();
  entry.estimate_micro_usd = message.estimate_micro_usd();
  entry.note = std::move(*message.mutable_note());
  return entry;
}

v1::TrainingExample ToProto(const TrainingExample& example) {
  v1::TrainingExample message;
  message.set_row_id(example.row_id);
  message.set_input(example.input);
  message.set_gold(example.gold);
  message.set_variant(example.variant);
  return message;
}

TrainingExample FromProto(v1::TrainingExample message) {
  return {std::move(*message.mutable_row_id()), std::move(*message.mutable_input()),
          std::move(*message.mutable_gold()), message.variant()};
}

SnapshotInfo FromProto(const v1::Snapshot& message) {
  return {message.id(), message.items(), message.packs(), message.bytes()};
}

v1::StreamPacksRequest::Open ToProto(const StreamOptions& options) {
  v1::StreamPacksRequest::Open open;
  open.set_snapshot_id(options.snapshot_id);
  open.set_seed(options.seed);
  open.set_epoch(options.epoch);
  open.set_position(options.position);
  open.set_global_batch(options.global_batch);
  open.set_rank(options.rank);
  open.set_world_size(options.world_size);
  open.set_epochs(options.epochs);
  open.set_sequential(options.sequential);
  open.set_initial_credit_bytes(options.window_bytes);
  return open;
}

StreamOptions FromProto(const v1::StreamPacksRequest::Open& open) {
  StreamOptions options;
  options.snapshot_id = open.snapshot_id();
  options.seed = open.seed();
  options.epoch = open.epoch();
  options.position = open.position();
  options.global_batch = open.global_batch();
  options.rank = open.rank();
  options.world_size = open.world_size();
  options.epochs = open.epochs();
  options.sequential = open.sequential();
  options.window_bytes =
      open.initial_credit_bytes() == 0 ? kDefaultCreditBytes : open.initial_credit_bytes();
  return options;
}

}  // namespace limbeck::cache
