#include "cache/client/grpc_cache_client.h"

#include <map>
#include <optional>

#include "absl/strings/str_cat.h"
#include "base/grpc/status_codec.h"
#include "base/status.h"
#include "cache/client/convert.h"
#include "cache/client/item_stream.h"
#include "cache/client/retrying_call.h"
#include "limbeck/v1/cache_service.grpc.pb.h"

namespace limbeck::cache {
namespace {

// Sizes of messages that this side sends; well below what the server accepts.
constexpr size_t kMaxCommitBytesPerCall = 8u << 20;
constexpr size_t kMaxSnapshotBytesPerMessage = 1u << 20;
constexpr int kMaxSnapshotItemsPerMessage = 1024;
constexpr size_t kRecordsPerCall = 256;

class GrpcCacheClient : public CacheClient {
 public:
  GrpcCacheClient(std::shared_ptr<grpc::Channel> channel, const CacheClientOptions& options)
      : channel_(std::move(channel)),
        stub_(v1::CacheService::NewStub(channel_)),
        options_(options) {}

  absl::StatusOr<AccountState> SetCeiling(const std::string& account, int64_t ceiling_micro_usd,
                                          int64_t month_ceiling_micro_usd) override {
    v1::SetCeilingRequest request;
    request.set_account(account);
    request.set_ceiling_micro_usd(ceiling_micro_usd);
    request.set_month_ceiling_micro_usd(month_ceiling_micro_usd);
    v1::Account response;
    LIMBECK_RETURN_IF_ERROR(
        Call("SetCeiling", &v1::CacheService::Stub::SetCeiling, request, &response));
    return FromProto(response);
  }

  absl::StatusOr<std::vector<AcquireResult>> Acquire(const AcquireRequest& request) override {
    v1::AcquireRequest message = ToProto(request);
    if (message.request_id().empty()) message.set_request_id(NewRequestId());
    v1::AcquireResponse response;
    LIMBECK_RETURN_IF_ERROR(Call("Acquire", &v1::CacheService::Stub::Acquire, message, &response));
    if (static_cast<size_t>(response.results_size()) != request.items.size()) {
      return absl::InternalError("the cache answered with another number of results");
    }
    std::vector<AcquireResult> results;
    results.reserve(request.items.size());
    for (v1::AcquireResult& result : *response.mutable_results()) {
      LIMBECK_ASSIGN_OR_RETURN(AcquireResult converted, FromProto(std::move(result)));
      results.push_back(std::move(converted));
    }
    if (request.include_records) LIMBECK_RETURN_IF_ERROR(FillRecords(request.domain, &results));
    return results;
  }

  absl::StatusOr<std::vector<CommitOutcome>> Commit(const std::string& domain,
                                                    const std::vector<CommitItem>& items) override {
    std::vector<CommitOutcome> outcomes;
    for (size_t begin = 0; begin < items.size();) {
      v1::CommitRequest request;
      request.set_domain(domain);
      size_t end = begin, bytes = 0;
      while (end < items.size() && end - begin < kMaxBatchItems &&
             (end == begin || bytes + items[end].record.size() <= kMaxCommitBytesPerCall)) {
        bytes += items[end].record.size();
        *request.add_items() = ToProto(items[end++]);
      }
      v1::CommitResponse response;
      LIMBECK_RETURN_IF_ERROR(Call("Commit", &v1::CacheService::Stub::Commit, request, &response));
      if (static_cast<size_t>(response.outcomes_size()) != end - begin) {
        return absl::InternalError("the cache answered with another number of outcomes");
      }
      for (int i = 0; i < response.outcomes_size(); ++i) {
        LIMBECK_ASSIGN_OR_RETURN(const CommitOutcome outcome, FromProto(response.outcomes(i)));
        outcomes.push_back(outcome);
      }
      begin = end;
    }
    return outcomes;
  }

  absl::StatusOr<std::vector<ReleaseOutcome>> Release(
      const std::string& domain, const std::vector<ReleaseItem>& items) override {
    v1::ReleaseRequest request;
    request.set_domain(domain);
    request.set_request_id(NewRequestId());
    for (const ReleaseItem& item : items) *request.add_items() = ToProto(item);
    v1::ReleaseResponse response;
    LIMBECK_RETURN_IF_ERROR(Call("Release", &v1::CacheService::Stub::Release, request, &response));
    if (static_cast<size_t>(response.outcomes_size()) != items.size()) {
      return absl::InternalError("the cache answered with another number of outcomes");
    }
    std::vector<ReleaseOutcome> outcomes;
    for (int i = 0; i < response.outcomes_size(); ++i) {
      LIMBECK_ASSIGN_OR_RETURN(const ReleaseOutcome outcome, FromProto(response.outcomes(i)));
      outcomes.push_back(outcome);
    }
    return outcomes;
  }

  absl::StatusOr<std::vector<AccountState>> GetSpend(
      const std::vector<std::string>& accounts) override {
    v1::GetSpendRequest request;
    for (const std::string& account : accounts) request.add_accounts(account);
    v1::GetSpendResponse response;
    LIMBECK_RETURN_IF_ERROR(
        Call("GetSpend", &v1::CacheService::Stub::GetSpend, request, &response));
    std::vector<AccountState> states;
    for (const v1::Account& account : response.accounts()) states.push_back(FromProto(account));
    return states;
  }

  absl::StatusOr<TeacherStats> GetTeacherStats(const std::string& domain,
                                               const std::string& teacher) override {
    v1::GetTeacherStatsRequest request;
    request.set_domain(domain);
    request.set_teacher(teacher);
    v1::TeacherStats response;
    LIMBECK_RETURN_IF_ERROR(
        Call("GetTeacherStats", &v1::CacheService::Stub::GetTeacherStats, request, &response));
    return FromProto(response);
  }

  absl::StatusOr<InvoiceTotal> ReadInvoice(
      const std::string& account,
      const std::function<absl::Status(const InvoiceEntry&)>& visit) override {
    LIMBECK_RETURN_IF_ERROR(WaitForServer());
    v1::StreamInvoiceRequest request;
    request.set_account(account);
    grpc::ClientContext context;
    const auto reader = stub_->StreamInvoice(&context, request);
    std::optional<InvoiceTotal> total;
    v1::StreamInvoiceResponse part;
    absl::Status visited;
    while (visited.ok() && reader->Read(&part)) {
      if (part.has_total()) {
        total = InvoiceTotal{FromProto(part.total().account()), part.total().entries()};
        continue;
      }
      absl::StatusOr<InvoiceEntry> entry = FromProto(std::move(*part.mutable_entry()));
      visited = entry.ok() ? visit(*entry) : entry.status();
    }
    if (!visited.ok()) context.TryCancel();
    const absl::Status status = rpc::FromGrpc(reader->Finish());
    LIMBECK_RETURN_IF_ERROR(visited);
    LIMBECK_RETURN_IF_ERROR(status);
    if (!total.has_value()) return absl::UnavailableError("the invoice ended without its total");
    return *std::move(total);
  }

  absl::StatusOr<SnapshotInfo> CreateSnapshot(
      const std::string& domain, const std::string& display_name,
      const std::function<absl::StatusOr<const SnapshotItem*>()>& next) override {
    LIMBECK_RETURN_IF_ERROR(WaitForServer());
    grpc::ClientContext context;
    v1::Snapshot response;
    const auto writer = stub_->CreateSnapshot(&context, &response);
    const absl::Status sent = SendItems(domain, display_name, next, writer.get());
    if (!sent.ok()) context.TryCancel();
    writer->WritesDone();
    const absl::Status status = rpc::FromGrpc(writer->Finish());
    if (!sent.ok()) return sent;
    if (absl::IsCancelled(status)) {
      return absl::UnavailableError(absl::StrCat("the cache went away: ", status.message()));
    }
    LIMBECK_RETURN_IF_ERROR(status);
    return FromProto(response);
  }

  absl::StatusOr<SnapshotInfo> GetSnapshot(const std::string& id) override {
    v1::GetSnapshotRequest request;
    request.set_id(id);
    v1::Snapshot response;
    LIMBECK_RETURN_IF_ERROR(
        Call("GetSnapshot", &v1::CacheService::Stub::GetSnapshot, request, &response));
    return FromProto(response);
  }

  absl::StatusOr<std::unique_ptr<ItemStream>> Stream(const StreamOptions& options) override {
    LIMBECK_RETURN_IF_ERROR(WaitForServer());
    return OpenItemStream(channel_, options);
  }

 private:
  template <typename Request, typename Response>
  absl::Status Call(std::string_view name,
                    grpc::Status (v1::CacheService::Stub::*method)(grpc::ClientContext*,
                                                                   const Request&, Response*),
                    const Request& request, Response* response) {
    return CallWithRetries(options_, name, [&](grpc::ClientContext* context) {
      response->Clear();
      return (stub_.get()->*method)(context, request, response);
    });
  }

  // Streams have no deadline, so they only start on a live connection.
  absl::Status WaitForServer() {
    const auto end =
        std::chrono::system_clock::now() + absl::ToChronoMilliseconds(options_.deadline);
    if (channel_->WaitForConnected(end)) return absl::OkStatus();
    return absl::UnavailableError(absl::StrCat("the cache cannot be reached within ",
                                               absl::FormatDuration(options_.deadline)));
  }

  // Records of hits that did not fit in the answer.
  absl::Status FillRecords(const std::string& domain, std::vector<AcquireResult>* results) {
    std::vector<AcquireResult*> missing;
    for (AcquireResult& result : *results) {
      if (result.kind == AcquireResult::Kind::kHit && result.record.empty()) {
        missing.push_back(&result);
      }
    }
    size_t count = kRecordsPerCall;
    for (size_t begin = 0; begin < missing.size();) {
      const size_t end = std::min(begin + count, missing.size());
      v1::GetRecordsRequest request;
      request.set_domain(domain);
      for (size_t i = begin; i < end; ++i) request.add_keys(missing[i]->key);
      v1::GetRecordsResponse response;
      const absl::Status status =
          Call("GetRecords", &v1::CacheService::Stub::GetRecords, request, &response);
      if (absl::IsResourceExhausted(status) && count > 1) {
        count /= 2;
        continue;
      }
      LIMBECK_RETURN_IF_ERROR(status);
      if (static_cast<size_t>(response.records_size()) != end - begin) {
        return absl::DataLossError("a record that was there a moment ago is gone");
      }
      for (size_t i = begin; i < end; ++i) {
        missing[i]->record =
            std::move(*response.mutable_records(static_cast<int>(i - begin))->mutable_record());
      }
      begin = end;
    }
    return absl::OkStatus();
  }

  // OK also when the server stopped listening: its status says why.
  static absl::Status SendItems(const std::string& domain, const std::string& display_name,
                                const std::function<absl::StatusOr<const SnapshotItem*>()>& next,
                                grpc::ClientWriter<v1::CreateSnapshotRequest>* writer) {
    v1::CreateSnapshotRequest message;
    message.mutable_header()->set_domain(domain);
    message.mutable_header()->set_display_name(display_name);
    if (!writer->Write(message)) return absl::OkStatus();
    message.Clear();
    size_t bytes = 0;
    while (true) {
      LIMBECK_ASSIGN_OR_RETURN(const SnapshotItem* item, next());
      if (item == nullptr) break;
      v1::SnapshotItem* added = message.mutable_items()->add_items();
      *added->mutable_example() = ToProto(item->example);
      for (const std::string& key : item->keys) added->add_keys(key);
      bytes += added->ByteSizeLong();
      if (bytes < kMaxSnapshotBytesPerMessage &&
          message.items().items_size() < kMaxSnapshotItemsPerMessage) {
        continue;
      }
      if (!writer->Write(message)) return absl::OkStatus();
      message.Clear();
      bytes = 0;
    }
    if (message.items().items_size() > 0) writer->Write(message);
    return absl::OkStatus();
  }

  const std::shared_ptr<grpc::Channel> channel_;
  const std::unique_ptr<v1::CacheService::Stub> stub_;
  const CacheClientOptions options_;
};

}  // namespace

std::unique_ptr<CacheClient> NewCacheClient(std::shared_ptr<grpc::Channel> channel,
                                            const CacheClientOptions& options) {
  return std::make_unique<GrpcCacheClient>(std::move(channel), options);
}

absl::StatusOr<std::unique_ptr<CacheClient>> NewCacheClient(
    const std::string& target, const rpc::ChannelOptions& channel_options,
    const CacheClientOptions& options) {
  LIMBECK_ASSIGN_OR_RETURN(std::shared_ptr<grpc::Channel> channel,
                           rpc::NewChannel(target, channel_options));
  return NewCacheClient(std::move(channel), options);
}

}  // namespace limbeck::cache
