#include "cache/service/cache_node.h"

#include "base/file.h"
#include "base/kv/open.h"
#include "base/status.h"
#include "cache/snapshots/directory/directory_pack_store.h"
#include "cache/snapshots/manifest.h"

namespace limbeck::cache {

absl::StatusOr<std::unique_ptr<CacheNode>> CacheNode::Open(const std::filesystem::path& data_dir,
                                                           const CacheNodeOptions& options) {
  LIMBECK_RETURN_IF_ERROR(MakeDirectories(data_dir));
  kv::OpenOptions engine_options = options.engine;
  engine_options.path = data_dir / "kv";
  engine_options.tables = LedgerTables();
  engine_options.tables.emplace_back(kSnapshotTable);
  LIMBECK_ASSIGN_OR_RETURN(std::unique_ptr<kv::Engine> engine, kv::Open(engine_options));
  LIMBECK_ASSIGN_OR_RETURN(std::unique_ptr<PackStore> store,
                           OpenDirectoryPackStore(data_dir / "packs"));
  LIMBECK_ASSIGN_OR_RETURN(std::unique_ptr<Ledger> ledger,
                           Ledger::Open(engine.get(), options.clock, options.ledger));
  return std::unique_ptr<CacheNode>(
      new CacheNode(std::move(engine), std::move(store), std::move(ledger), options));
}

CacheNode::CacheNode(std::unique_ptr<kv::Engine> engine, std::unique_ptr<PackStore> store,
                     std::unique_ptr<Ledger> ledger, const CacheNodeOptions& options)
    : engine_(std::move(engine)),
      store_(std::move(store)),
      metrics_(options.registry),
      ledger_(std::move(ledger)),
      service_(std::make_unique<CacheServiceImpl>(
          CacheParts{engine_.get(), ledger_.get(), store_.get(), options.clock, &metrics_},
          options.service)) {}

}  // namespace limbeck::cache
