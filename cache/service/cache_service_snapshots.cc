#include "absl/strings/str_cat.h"
#include "base/grpc/status_codec.h"
#include "base/hash.h"
#include "base/status.h"
#include "cache/client/convert.h"
#include "cache/service/cache_service.h"
#include "cache/service/verify.h"
#include "cache/snapshots/snapshot_writer.h"

namespace limbeck::cache {
namespace {

constexpr int kMaxItemsPerMessage = 4096;
constexpr int kMaxKeysPerItem = 1024;
constexpr size_t kMaxDisplayNameBytes = 1024;

void ToMessage(const Manifest& manifest, v1::Snapshot* message) {
  message->set_id(manifest.id);
  message->set_domain(manifest.domain);
  message->set_display_name(manifest.display_name);
  message->set_items(manifest.items);
  message->set_packs(static_cast<uint32_t>(manifest.packs.size()));
  message->set_bytes(manifest.bytes);
  message->mutable_create_time()->set_seconds(manifest.create_micros / 1'000'000);
  message->mutable_create_time()->set_nanos(
      static_cast<int32_t>(manifest.create_micros % 1'000'000 * 1'000));
}

absl::Status CheckHeader(const v1::CreateSnapshotRequest& first) {
  if (!first.has_header()) {
    return absl::InvalidArgumentError("header: the first message must hold it");
  }
  if (first.header().domain().empty() || first.header().domain().size() > kMaxNameBytes) {
    return absl::InvalidArgumentError(
        absl::StrCat("header.domain: expected 1 … ", kMaxNameBytes, " bytes"));
  }
  if (first.header().display_name().size() > kMaxDisplayNameBytes) {
    return absl::InvalidArgumentError(
        absl::StrCat("header.display_name: at most ", kMaxDisplayNameBytes, " bytes"));
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status CacheServiceImpl::AddItems(const std::string& domain,
                                        const v1::CreateSnapshotRequest::Items& items,
                                        SnapshotWriter* writer) {
  if (items.items_size() > kMaxItemsPerMessage) {
    return absl::InvalidArgumentError(
        absl::StrCat("items: at most ", kMaxItemsPerMessage, " per message"));
  }
  std::vector<std::string> records;
  for (const v1::SnapshotItem& item : items.items()) {
    const std::string& row = item.example().row_id();
    if (item.keys_size() > kMaxKeysPerItem) {
      return absl::InvalidArgumentError(
          absl::StrCat("row ", row, ": at most ", kMaxKeysPerItem, " keys"));
    }
    records.clear();
    for (const std::string& key : item.keys()) {
      absl::StatusOr<std::string> record = parts_.ledger->GetRecord(domain, key);
      if (absl::IsNotFound(record.status())) {
        return absl::FailedPreconditionError(
            absl::StrCat("row ", row, ": the answer ", HexEncode(key),
                         " is not in the cache yet; buy it first"));
      }
      if (!record.ok()) return Annotate(record.status(), absl::StrCat("row ", row));
      records.push_back(*std::move(record));
    }
    LIMBECK_RETURN_IF_ERROR(writer->Add(FromProto(item.example()), records));
  }
  return absl::OkStatus();
}

grpc::Status CacheServiceImpl::CreateSnapshot(grpc::ServerContext*,
                                              grpc::ServerReader<v1::CreateSnapshotRequest>* reader,
                                              v1::Snapshot* response) {
  v1::CreateSnapshotRequest message;
  if (!reader->Read(&message)) message.Clear();
  if (const absl::Status header = CheckHeader(message); !header.ok()) return rpc::ToGrpc(header);
  const std::string domain = message.header().domain();
  SnapshotWriter writer(parts_.engine, parts_.store, parts_.clock, domain,
                        message.header().display_name());
  while (reader->Read(&message)) {
    const absl::Status added =
        message.has_items()
            ? AddItems(domain, message.items(), &writer)
            : absl::InvalidArgumentError("items: every message after the first must hold them");
    if (!added.ok()) return rpc::ToGrpc(added);
  }
  const absl::StatusOr<Manifest> manifest = writer.Finish();
  if (!manifest.ok()) return rpc::ToGrpc(manifest.status());
  ToMessage(*manifest, response);
  return grpc::Status::OK;
}

grpc::Status CacheServiceImpl::GetSnapshot(grpc::ServerContext*,
                                           const v1::GetSnapshotRequest* request,
                                           v1::Snapshot* response) {
  const absl::StatusOr<Manifest> manifest = ReadManifest(*parts_.engine, request->id());
  if (!manifest.ok()) return rpc::ToGrpc(manifest.status());
  ToMessage(*manifest, response);
  return grpc::Status::OK;
}

grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>* CacheServiceImpl::StreamPacks(
    grpc::CallbackServerContext*) {
  return new PackStream(&host_);  // Deletes itself at the end of the call.
}

absl::StatusOr<std::unique_ptr<FrameSource>> CacheServiceImpl::OpenStream(
    const v1::StreamPacksRequest::Open& open) {
  LIMBECK_ASSIGN_OR_RETURN(std::shared_ptr<const Manifest> manifest,
                           FindManifest(open.snapshot_id()));
  LIMBECK_ASSIGN_OR_RETURN(StreamPlan plan, StreamPlan::Create(FromProto(open), manifest->items));
  return std::make_unique<FrameSource>(
      std::move(plan),
      SnapshotReader(std::move(manifest), &packs_, open.seed(), open.sequential()));
}

absl::StatusOr<std::shared_ptr<const Manifest>> CacheServiceImpl::FindManifest(
    const std::string& id) {
  {
    absl::MutexLock lock(&mu_);
    if (const auto it = manifests_.find(id); it != manifests_.end()) {
      if (std::shared_ptr<const Manifest> manifest = it->second.lock()) return manifest;
    }
  }
  LIMBECK_ASSIGN_OR_RETURN(Manifest read, ReadManifest(*parts_.engine, id));
  auto manifest = std::make_shared<const Manifest>(std::move(read));
  absl::MutexLock lock(&mu_);
  std::erase_if(manifests_, [](const auto& entry) { return entry.second.expired(); });
  manifests_[id] = manifest;
  return manifest;
}

grpc::Status CacheServiceImpl::GetCacheStats(grpc::ServerContext*, const v1::GetCacheStatsRequest*,
                                             v1::CacheStats* response) {
  const absl::StatusOr<Counters> counters = parts_.ledger->GetCounters();
  if (!counters.ok()) return rpc::ToGrpc(counters.status());
  response->set_records(counters->records);
  response->set_record_bytes(counters->record_bytes);
  response->set_claims(counters->claims);
  response->set_late_records(counters->late_records);
  const auto rows = parts_.engine->Scan(kSnapshotTable, "", "");
  if (!rows.ok()) return rpc::ToGrpc(rows.status());
  for (; (*rows)->Valid(); (*rows)->Next()) {
    const absl::StatusOr<Manifest> manifest = DecodeManifest((*rows)->value());
    if (!manifest.ok()) return rpc::ToGrpc(manifest.status());
    response->set_snapshots(response->snapshots() + 1);
    response->set_packs(response->packs() + manifest->packs.size());
    response->set_pack_bytes(response->pack_bytes() + manifest->bytes);
  }
  return rpc::ToGrpc((*rows)->status());
}

grpc::Status CacheServiceImpl::VerifyCache(grpc::ServerContext* context,
                                           const v1::VerifyCacheRequest*,
                                           v1::VerifyCacheResponse* response) {
  const auto result =
      VerifyAll(*parts_.engine, parts_.store, [context] { return context->IsCancelled(); });
  if (!result.ok()) return rpc::ToGrpc(result.status());
  response->set_records_checked(result->records_checked);
  response->set_packs_checked(result->packs_checked);
  for (const std::string& damaged : result->damaged) response->add_damaged(damaged);
  return grpc::Status::OK;
}

}  // namespace limbeck::cache
