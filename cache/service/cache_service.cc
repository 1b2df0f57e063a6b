#include "cache/service/cache_service.h"

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/grpc/status_codec.h"
#include "base/hash.h"
#include "base/status.h"
#include "cache/client/convert.h"

namespace limbeck::cache {
namespace {

constexpr uint32_t kDefaultPageSize = 100;
constexpr uint32_t kMaxPageSize = 1000;

void SetTime(int64_t micros, google::protobuf::Timestamp* timestamp) {
  const absl::Time time = absl::FromUnixMicros(micros);
  timestamp->set_seconds(absl::ToUnixSeconds(time));
  timestamp->set_nanos(static_cast<int32_t>((time - absl::FromUnixSeconds(timestamp->seconds())) /
                                            absl::Nanoseconds(1)));
}

}  // namespace

CacheServiceImpl::CacheServiceImpl(const CacheParts& parts, const CacheServiceOptions& options)
    : parts_(parts),
      packs_(parts.store, options.pack_cache_bytes),
      streams_(options.max_streams),
      executor_(options.stream_threads) {
  host_.registry = &streams_;
  host_.executor = &executor_;
  host_.open = [this](const v1::StreamPacksRequest::Open& open) { return OpenStream(open); };
  host_.on_frame = [this](size_t items, size_t bytes) {
    parts_.metrics->OnFrame(items, bytes);
    parts_.metrics->SetStreams(streams_.size());
  };
}

grpc::Status CacheServiceImpl::SetCeiling(grpc::ServerContext*,
                                          const v1::SetCeilingRequest* request,
                                          v1::Account* response) {
  const auto account = parts_.ledger->SetCeiling(request->account(), request->ceiling_micro_usd(),
                                                 request->month_ceiling_micro_usd());
  if (!account.ok()) return rpc::ToGrpc(account.status());
  *response = ToProto(*account);
  return grpc::Status::OK;
}

grpc::Status CacheServiceImpl::Acquire(grpc::ServerContext*, const v1::AcquireRequest* request,
                                       v1::AcquireResponse* response) {
  auto results = parts_.ledger->Acquire(FromProto(*request));
  if (!results.ok()) return rpc::ToGrpc(results.status());
  parts_.metrics->OnAcquired(*results);
  parts_.metrics->Update(parts_.ledger->writer_stats(), packs_.stats());
  for (AcquireResult& result : *results) {
    *response->add_results() = ToProto(std::move(result));
  }
  return grpc::Status::OK;
}

grpc::ServerUnaryReactor* CacheServiceImpl::Commit(grpc::CallbackServerContext* context,
                                                   const v1::CommitRequest* request,
                                                   v1::CommitResponse* response) {
  std::vector<CommitItem> items;
  items.reserve(static_cast<size_t>(request->items_size()));
  for (const v1::CommitItem& item : request->items()) items.push_back(FromProto(item));
  grpc::ServerUnaryReactor* const reactor = context->DefaultReactor();
  parts_.ledger->CommitAsync(
      request->domain(), std::move(items),
      [this, reactor, response](const absl::StatusOr<std::vector<CommitOutcome>>& outcomes) {
        if (!outcomes.ok()) return reactor->Finish(rpc::ToGrpc(outcomes.status()));
        parts_.metrics->OnCommitted(*outcomes);
        parts_.metrics->Update(parts_.ledger->writer_stats(), packs_.stats());
        for (const CommitOutcome outcome : *outcomes) response->add_outcomes(ToProto(outcome));
        reactor->Finish(grpc::Status::OK);
      });
  return reactor;
}

grpc::Status CacheServiceImpl::Release(grpc::ServerContext*, const v1::ReleaseRequest* request,
                                       v1::ReleaseResponse* response) {
  std::vector<ReleaseItem> items;
  items.reserve(static_cast<size_t>(request->items_size()));
  for (const v1::ReleaseItem& message : request->items()) {
    absl::StatusOr<ReleaseItem> item = FromProto(message);
    if (!item.ok()) return rpc::ToGrpc(item.status());
    items.push_back(*std::move(item));
  }
  const auto outcomes = parts_.ledger->Release(request->domain(), items, request->request_id());
  if (!outcomes.ok()) return rpc::ToGrpc(outcomes.status());
  for (const ReleaseOutcome outcome : *outcomes) response->add_outcomes(ToProto(outcome));
  return grpc::Status::OK;
}

grpc::Status CacheServiceImpl::GetRecords(grpc::ServerContext*,
                                          const v1::GetRecordsRequest* request,
                                          v1::GetRecordsResponse* response) {
  auto records = parts_.ledger->GetRecords(
      request->domain(), std::vector<std::string>(request->keys().begin(), request->keys().end()));
  if (!records.ok()) return rpc::ToGrpc(records.status());
  for (StoredRecord& record : *records) {
    v1::StoredRecord* added = response->add_records();
    added->set_key(std::move(record.key));
    added->set_record(std::move(record.record));
  }
  return grpc::Status::OK;
}

grpc::Status CacheServiceImpl::CountRecords(grpc::ServerContext*,
                                            const v1::CountRecordsRequest* request,
                                            v1::CountRecordsResponse* response) {
  AcquireRequest lookup;
  lookup.lookup_only = true;
  lookup.domain = request->domain();
  for (const v1::AcquireItem& item : request->items()) {
    lookup.items.push_back({item.canonical_request(), item.top_logprobs(), 0});
  }
  auto results = parts_.ledger->Acquire(lookup);
  if (!results.ok()) return rpc::ToGrpc(results.status());
  for (AcquireResult& result : *results) {
    response->add_keys(std::move(result.key));
    response->add_found(result.kind == AcquireResult::Kind::kHit);
  }
  return grpc::Status::OK;
}

grpc::Status CacheServiceImpl::GetSpend(grpc::ServerContext*, const v1::GetSpendRequest* request,
                                        v1::GetSpendResponse* response) {
  const auto accounts = parts_.ledger->GetSpend(
      std::vector<std::string>(request->accounts().begin(), request->accounts().end()));
  if (!accounts.ok()) return rpc::ToGrpc(accounts.status());
  for (const AccountState& account : *accounts) *response->add_accounts() = ToProto(account);
  return grpc::Status::OK;
}

grpc::Status CacheServiceImpl::StreamInvoice(
    grpc::ServerContext*, const v1::StreamInvoiceRequest* request,
    grpc::ServerWriter<v1::StreamInvoiceResponse>* writer) {
  v1::StreamInvoiceResponse part;
  const auto total = parts_.ledger->ReadInvoice(request->account(), [&](const InvoiceEntry& entry) {
    *part.mutable_entry() = ToProto(entry);
    return writer->Write(part) ? absl::OkStatus() : absl::CancelledError("the client went away");
  });
  if (!total.ok()) return rpc::ToGrpc(total.status());
  *part.mutable_total()->mutable_account() = ToProto(total->account);
  part.mutable_total()->set_entries(total->entries);
  writer->Write(part);
  return grpc::Status::OK;
}

grpc::Status CacheServiceImpl::GetTeacherStats(grpc::ServerContext*,
                                               const v1::GetTeacherStatsRequest* request,
                                               v1::TeacherStats* response) {
  const auto stats = parts_.ledger->GetTeacherStats(request->domain(), request->teacher());
  if (!stats.ok()) return rpc::ToGrpc(stats.status());
  *response = ToProto(*stats);
  return grpc::Status::OK;
}

grpc::Status CacheServiceImpl::ListAmbiguous(grpc::ServerContext*,
                                             const v1::ListAmbiguousRequest* request,
                                             v1::ListAmbiguousResponse* response) {
  const uint32_t size = request->page_size() == 0 ? kDefaultPageSize : request->page_size();
  if (size > kMaxPageSize) {
    return rpc::ToGrpc(absl::InvalidArgumentError("page_size: expected 1 … 1000"));
  }
  uint64_t after = 0;
  if (!request->page_token().empty() && !absl::SimpleAtoi(request->page_token(), &after)) {
    return rpc::ToGrpc(
        absl::InvalidArgumentError("page_token: not one that this method has returned"));
  }
  const auto page = parts_.ledger->ListAmbiguous(request->account(), after, size);
  if (!page.ok()) return rpc::ToGrpc(page.status());
  for (const AmbiguousCall& call : page->calls) {
    v1::AmbiguousCall* added = response->add_calls();
    added->set_key(call.row.key);
    added->set_fence(call.row.fence);
    for (const std::string& account : call.row.accounts) added->add_accounts(account);
    added->set_micro_usd(call.row.micro_usd);
    SetTime(call.row.time_micros, added->mutable_time());
    added->set_note(call.row.note);
  }
  if (page->next_after > 0) response->set_next_page_token(absl::StrCat(page->next_after));
  return grpc::Status::OK;
}

}  // namespace limbeck::cache
