// Datasets at rest: files named by their content, and what is known of them.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/kv/engine.h"
#include "gateway/jobs/job_store.h"
#include "gateway/jobs/side_file.h"
#include "gateway/templates/rows/row_reader.h"
#include "limbeck/v1/dataset_service.pb.h"

namespace limbeck::gateway {

struct DatasetStoreOptions {
  std::filesystem::path directory;
  // Larger files are refused; a compressed one also where it holds more than this.
  uint64_t max_bytes = uint64_t{16} << 30;
};

// Thread-safe. A dataset is listed only after its file is durable; files never change.
class DatasetStore {
 public:
  static std::vector<std::string> Tables();

  // Removes what an interrupted upload left behind. `engine` must outlive the store.
  static absl::StatusOr<std::unique_ptr<DatasetStore>> Open(const DatasetStoreOptions& options,
                                                            kv::Engine* engine);

  // One upload; one thread.
  class Upload {
   public:
    absl::Status Append(std::string_view data);
    // Checks hash and rows, then stores. INVALID_ARGUMENT with reason ROW_INVALID lists malformed
    // rows or says where compressed data is damaged; nothing is stored then. The same content again
    // gives the same dataset.
    absl::StatusOr<v1::Dataset> Finish();

   private:
    friend class DatasetStore;
    Upload(DatasetStore* store, v1::UploadDatasetRequest::Header header,
           std::unique_ptr<SideFile> file)
        : store_(store), header_(std::move(header)), file_(std::move(file)) {}

    DatasetStore* const store_;
    const v1::UploadDatasetRequest::Header header_;
    const std::unique_ptr<SideFile> file_;
  };

  // INVALID_ARGUMENT for a header without hash or format. The store must outlive the upload.
  absl::StatusOr<std::unique_ptr<Upload>> Begin(const v1::UploadDatasetRequest::Header& header);

  // NOT_FOUND names the id.
  absl::StatusOr<v1::Dataset> Get(const std::string& id) const;
  absl::StatusOr<Page<v1::Dataset>> List(uint32_t page_size, const std::string& page_token) const;

  // A reader of the dataset's rows; both columns as in RowReaderOptions.
  absl::StatusOr<std::unique_ptr<RowReader>> OpenRows(const v1::Dataset& dataset,
                                                      const std::string& id_column,
                                                      const std::string& text_column = "") const;
  // One whose rows have no id, for passes over texts.
  absl::StatusOr<std::unique_ptr<RowReader>> OpenRowsWithoutIds(
      const v1::Dataset& dataset, const std::string& text_column) const;

  // Where something is kept that is made from a stored dataset alone, and made again where it is
  // lost; `name` is one of a file.
  std::filesystem::path DerivedPath(const std::string& id, std::string_view name) const;
  // A new path for a file that is not needed after this process.
  std::filesystem::path ScratchPath() const;

 private:
  DatasetStore(DatasetStoreOptions options, kv::Engine* engine)
      : options_(std::move(options)), engine_(engine) {}
  std::filesystem::path PathOf(const std::string& id) const;
  absl::StatusOr<std::unique_ptr<RowReader>> OpenFile(const std::filesystem::path& path,
                                                      v1::DatasetFormat format,
                                                      RowReaderOptions options) const;

  const DatasetStoreOptions options_;
  kv::Engine* const engine_;
};

}  // namespace limbeck::gateway
