#include "cache/snapshots/snapshot_writer.h"

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "cache/records/wire.h"
#include "cache/snapshots/item_codec.h"

namespace limbeck::cache {

SnapshotWriter::SnapshotWriter(kv::Engine* engine, PackStore* store, Clock* clock,
                               std::string domain, std::string display_name)
    : engine_(engine), store_(store), clock_(clock) {
  manifest_.domain = std::move(domain);
  manifest_.display_name = std::move(display_name);
  std::string start = "limbeck-snapshot-v1";
  PutString(&start, manifest_.domain);
  hash_.Update(start);
}

absl::Status SnapshotWriter::Add(const TrainingExample& example,
                                 const std::vector<std::string>& records) {
  const std::string item = EncodeItem(example, records);
  if (item.size() > kMaxItemBytes) {
    return absl::InvalidArgumentError(absl::StrCat("row ", example.row_id, ": ", item.size(),
                                                   " bytes with its records, at most ",
                                                   kMaxItemBytes));
  }
  hash_.Update(item);
  if (pack_.items() > 0 && pack_.bytes() + item.size() > kTargetPackBytes) {
    LIMBECK_RETURN_IF_ERROR(SealPack());
  }
  pack_.Add(item);
  return absl::OkStatus();
}

absl::Status SnapshotWriter::SealPack() {
  const uint32_t items = pack_.items();
  const std::string bytes = pack_.Take();
  absl::StatusOr<std::string> name = store_->Put(bytes);
  if (!name.ok()) return Annotate(name.status(), "store a pack");
  manifest_.packs.push_back({*std::move(name), items, static_cast<uint32_t>(bytes.size())});
  manifest_.items += items;
  manifest_.bytes += bytes.size();
  return absl::OkStatus();
}

absl::StatusOr<Manifest> SnapshotWriter::Finish() {
  if (pack_.items() > 0) LIMBECK_RETURN_IF_ERROR(SealPack());
  if (manifest_.items == 0) return absl::InvalidArgumentError("a snapshot needs at least one item");
  manifest_.id = HexEncode(hash_.Finish());
  manifest_.create_micros = absl::ToUnixMicros(clock_->WallNow());
  kv::WriteBatch batch;
  batch.ExpectAbsent(kSnapshotTable, manifest_.id);
  batch.Put(kSnapshotTable, manifest_.id, EncodeManifest(manifest_));
  const absl::Status status = engine_->Write(batch);
  if (absl::IsAborted(status)) return ReadManifest(*engine_, manifest_.id);
  LIMBECK_RETURN_IF_ERROR(status);
  return manifest_;
}

}  // namespace limbeck::cache
