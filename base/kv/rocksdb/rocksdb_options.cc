#include "base/kv/rocksdb/rocksdb_options.h"

#include <rocksdb/cache.h>
#include <rocksdb/convenience.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/table.h>

#include <algorithm>

namespace limbeck::kv {
namespace {

// All memtables together. Half of the default OpenOptions::min_free_bytes, so that a flush of
// everything in memory fits into the reserve.
constexpr size_t kMemtableBytes = 32u << 20;
constexpr size_t kMemtableBytesPerTable = 16u << 20;
// Above this, tables that hold old log files alive are flushed.
constexpr uint64_t kMaxWalBytes = 128u << 20;
constexpr int kBackgroundJobs = 2;
constexpr int kMaxOpenFiles = 512;
// For each table when opening, started whether there are files to open or not: with the default of
// 16 that was a third of what a program's start cost.
constexpr int kFileOpeningThreads = 2;
constexpr size_t kMaxInfoLogBytes = 4u << 20;
constexpr size_t kKeptInfoLogs = 4;
// Files are handed to the disk in pieces of this size, so that no sync has to write them whole.
constexpr uint64_t kBytesPerSync = 1u << 20;
constexpr double kBloomBitsPerKey = 10;
constexpr size_t kBlockBytes = 16u << 10;
// Of a memtable, for a filter of its keys: most questions of a ledger are about keys that are not
// there, and a walk through the skip list costs more than the filter's answer.
constexpr double kMemtableBloomShare = 0.02;

}  // namespace

rocksdb::DBOptions DatabaseOptions() {
  rocksdb::DBOptions options;
  options.create_if_missing = true;
  options.create_missing_column_families = true;
  options.paranoid_checks = true;
  // A log file that a sync promised and that is gone or short must stop the opening.
  options.track_and_verify_wals_in_manifest = true;
  options.wal_recovery_mode = rocksdb::WALRecoveryMode::kPointInTimeRecovery;
  options.max_total_wal_size = kMaxWalBytes;
  options.db_write_buffer_size = kMemtableBytes;
  options.max_background_jobs = kBackgroundJobs;
  options.max_open_files = kMaxOpenFiles;
  options.max_file_opening_threads = kFileOpeningThreads;
  options.bytes_per_sync = kBytesPerSync;
  options.info_log_level = rocksdb::InfoLogLevel::WARN_LEVEL;
  options.max_log_file_size = kMaxInfoLogBytes;
  options.keep_log_file_num = kKeptInfoLogs;
  return options;
}

rocksdb::ColumnFamilyOptions TableOptions(const OpenOptions& options) {
  rocksdb::BlockBasedTableOptions blocks;
  blocks.block_cache = rocksdb::NewLRUCache(options.block_cache_bytes);
  blocks.block_size = kBlockBytes;
  blocks.filter_policy.reset(rocksdb::NewBloomFilterPolicy(kBloomBitsPerKey));
  // Indexes and filters count against the cache, which so bounds memory whatever the data's size.
  blocks.cache_index_and_filter_blocks = true;
  blocks.pin_l0_filter_and_index_blocks_in_cache = true;

  rocksdb::ColumnFamilyOptions table;
  table.write_buffer_size = kMemtableBytesPerTable;
  table.memtable_prefix_bloom_size_ratio = kMemtableBloomShare;
  table.memtable_whole_key_filtering = true;
  table.level_compaction_dynamic_level_bytes = true;
  table.table_factory.reset(rocksdb::NewBlockBasedTableFactory(blocks));
  const auto supported = rocksdb::GetSupportedCompressions();
  const bool lz4 = std::find(supported.begin(), supported.end(),
                             rocksdb::CompressionType::kLZ4Compression) != supported.end();
  table.compression =
      lz4 ? rocksdb::CompressionType::kLZ4Compression : rocksdb::CompressionType::kNoCompression;
  return table;
}

}  // namespace limbeck::kv
