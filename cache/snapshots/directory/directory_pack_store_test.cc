#include "cache/snapshots/directory/directory_pack_store.h"

#include "base/file.h"
#include "base/hash.h"
#include "cache/snapshots/pack_store_conformance.h"

namespace limbeck::cache {
namespace {

// A store together with its folder.
class TemporaryStore : public PackStore {
 public:
  TemporaryStore() : store_(*OpenDirectoryPackStore(directory_.path() / "packs")) {}
  absl::StatusOr<std::string> Put(std::string_view bytes) override { return store_->Put(bytes); }
  absl::StatusOr<std::string> Get(std::string_view name) override { return store_->Get(name); }

 private:
  ScopedTempDirectory directory_;
  std::unique_ptr<PackStore> store_;
};

INSTANTIATE_TEST_SUITE_P(Directory, PackStoreConformance, testing::Values([] {
                           return std::unique_ptr<PackStore>(new TemporaryStore);
                         }));

TEST(DirectoryPackStoreTest, DetectsAndRepairsDamage) {
  ScopedTempDirectory directory;
  const auto store = OpenDirectoryPackStore(directory.path());
  ASSERT_TRUE(store.ok());
  const std::string name = *(*store)->Put("pack");
  const auto path = directory.path() / name.substr(0, 2) / (name + ".pack");
  ASSERT_TRUE(WriteFileDurably(path, "pacK").ok());
  EXPECT_EQ((*store)->Get(name).status().code(), absl::StatusCode::kDataLoss);
  ASSERT_TRUE((*store)->Put("pack").ok());
  EXPECT_EQ(*(*store)->Get(name), "pack");
}

}  // namespace
}  // namespace limbeck::cache
