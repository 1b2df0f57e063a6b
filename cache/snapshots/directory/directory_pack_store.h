// Packs as files of a folder: FOLDER/ab/ab12….pack.
#pragma once

#include <filesystem>
#include <memory>

#include "cache/snapshots/pack_store.h"

namespace limbeck::cache {

// Creates the folder. Files are written beside their place, synced and renamed, so that after a
// crash a name either holds the whole pack or nothing.
absl::StatusOr<std::unique_ptr<PackStore>> OpenDirectoryPackStore(
    const std::filesystem::path& folder);

}  // namespace limbeck::cache
