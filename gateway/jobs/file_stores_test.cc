// Datasets and students on disk.
#include <gtest/gtest.h>

#include <fstream>
#include <memory>
#include <string>

#include "absl/strings/match.h"
#include "base/error_details.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/kv/open.h"
#include "gateway/jobs/artifact_store.h"
#include "gateway/jobs/dataset_store.h"
#include "gateway/templates/rows/compress_for_test.h"

namespace limbeck::gateway {
namespace {

class FileStoresTest : public testing::Test {
 protected:
  FileStoresTest() {
    engine_ = kv::Open({.driver = "memory", .tables = DatasetStore::Tables()}).value();
    Reopen();
  }
  void Reopen() {
    datasets_ =
        DatasetStore::Open({.directory = directory_.path() / "d", .max_bytes = 1000}, engine_.get())
            .value();
    artifacts_ = ArtifactStore::Open({.directory = directory_.path() / "a"}).value();
  }
  absl::StatusOr<v1::Dataset> Upload(const std::string& file,
                                     v1::DatasetFormat format = v1::DATASET_FORMAT_JSONL,
                                     std::string sha256 = "") {
    v1::UploadDatasetRequest::Header header;
    header.set_sha256(sha256.empty() ? Sha256Hex(file) : sha256);
    header.set_format(format);
    auto upload = datasets_->Begin(header);
    if (!upload.ok()) return upload.status();
    if (absl::Status added = (*upload)->Append(file); !added.ok()) return added;
    return (*upload)->Finish();
  }
  static v1::ArtifactChunk Chunk(const std::string& name, const std::string& data) {
    v1::ArtifactChunk chunk;
    chunk.set_name(name);
    chunk.set_data(data);
    chunk.set_last(true);
    chunk.set_sha256(Sha256(data));
    return chunk;
  }
  size_t FilesIn(const char* folder) {
    size_t files = 0;
    for (const auto& entry :
         std::filesystem::recursive_directory_iterator(directory_.path() / folder)) {
      files += entry.is_regular_file();
    }
    return files;
  }

  ScopedTempDirectory directory_;
  std::unique_ptr<kv::Engine> engine_;
  std::unique_ptr<DatasetStore> datasets_;
  std::unique_ptr<ArtifactStore> artifacts_;
};

TEST_F(FileStoresTest, SameContentGivesTheSameDatasetAndSurvivesReopening) {
  const std::string file =
      "{\"text\": \"a\", \"label\": \"x\"}\n{\"text\": \"b\", \"label\": \"y\"}\n";
  const auto first = Upload(file);
  ASSERT_TRUE(first.ok()) << first.status();
  EXPECT_EQ(first->rows(), 2u);
  EXPECT_EQ(first->columns_size(), 2);
  EXPECT_EQ(Upload(file)->SerializeAsString(), first->SerializeAsString());
  EXPECT_EQ(FilesIn("d"), 1u);
  Reopen();
  EXPECT_EQ(datasets_->List(10, "")->items.size(), 1u);
  auto reader = datasets_->OpenRows(*first, "");
  ASSERT_TRUE(reader.ok()) << reader.status();
  EXPECT_TRUE((*reader)->Next()->has_value());
}

TEST_F(FileStoresTest, CsvColumnsKeepTheOrderOfTheHeader) {
  const auto dataset = Upload("text,label\na,x\n", v1::DATASET_FORMAT_CSV);
  ASSERT_TRUE(dataset.ok()) << dataset.status();
  EXPECT_EQ(dataset->columns(0), "text");
}

TEST_F(FileStoresTest, CompressedFilesAreNamedByTheirBytesAndKeptAsUploaded) {
  const std::string plain = "text\tlabel\na\tx\nb\ty\n";
  const std::string zipped = GzipForTest(plain);
  const auto dataset = Upload(zipped, v1::DATASET_FORMAT_TSV);
  ASSERT_TRUE(dataset.ok()) << dataset.status();
  EXPECT_EQ(dataset->id(), "sha256:" + Sha256Hex(zipped));
  EXPECT_EQ(dataset->bytes(), zipped.size());
  EXPECT_EQ(dataset->rows(), 2u);
  EXPECT_EQ(dataset->columns(1), "label");
  auto reader = datasets_->OpenRows(*dataset, "");
  ASSERT_TRUE(reader.ok()) << reader.status();
  EXPECT_EQ((*(*reader)->Next())->columns, R"({"label":"x","text":"a"})");
}

TEST_F(FileStoresTest, DamagedAndOversizedCompressedFilesAreTheUploadersFault) {
  const std::string zipped = GzipForTest("{\"a\": 1}\n{\"a\": 2}\n");
  const std::string bomb = ZstdForTest("{\"a\": 1}\n" + std::string(5000, ' '));
  for (const std::string& bytes : {zipped.substr(0, zipped.size() - 9), bomb}) {
    const auto refused = Upload(bytes);
    EXPECT_EQ(refused.status().code(), absl::StatusCode::kInvalidArgument);
    EXPECT_EQ(GetReason(refused.status())->reason, "ROW_INVALID") << refused.status();
  }
  EXPECT_EQ(FilesIn("d"), 0u);
}

TEST_F(FileStoresTest, MalformedRowsAreAllReportedAndNothingIsStored) {
  const auto refused = Upload("{\"text\": \"a\"}\nnot json\n{\"text\"\n");
  EXPECT_EQ(refused.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(GetReason(refused.status())->reason, "ROW_INVALID");
  EXPECT_TRUE(absl::StrContains(refused.status().message(), "row 2")) << refused.status();
  EXPECT_TRUE(absl::StrContains(refused.status().message(), "row 3"));
  EXPECT_EQ(FilesIn("d"), 0u);
}

TEST_F(FileStoresTest, UploadWithAnotherHashOrTooManyBytesIsRefused) {
  EXPECT_FALSE(Upload("{\"a\": 1}\n", v1::DATASET_FORMAT_JSONL, std::string(64, '0')).ok());
  EXPECT_EQ(Upload(std::string(2000, ' ')).status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_FALSE(Upload("x", v1::DATASET_FORMAT_UNSPECIFIED).ok());
  EXPECT_EQ(FilesIn("d"), 0u);
}

TEST_F(FileStoresTest, InterruptedUploadLeavesNothingAfterReopening) {
  // What a killed gateway leaves behind.
  std::ofstream(directory_.path() / "d" / "incoming" / "half") << "half";
  ASSERT_EQ(FilesIn("d"), 1u);
  Reopen();
  EXPECT_EQ(FilesIn("d"), 0u);
}

TEST_F(FileStoresTest, StudentIsInvisibleUntilFinishedAndReplacesAnEarlierOne) {
  for (const char* weights : {"old", "new"}) {
    auto intake = artifacts_->Begin("job-1").value();
    ASSERT_TRUE(intake->Add(Chunk("model.safetensors", weights)).ok());
    ASSERT_TRUE(intake->Finish().ok());
  }
  EXPECT_FALSE(artifacts_->Has("job-2"));
  Reopen();
  std::string seen;
  ASSERT_TRUE(artifacts_
                  ->Read("job-1",
                         [&](const v1::ArtifactChunk& chunk) {
                           seen += chunk.name() + "=" + chunk.data();
                           EXPECT_EQ(chunk.sha256(), Sha256(chunk.data()));
                           return absl::OkStatus();
                         })
                  .ok());
  EXPECT_EQ(seen, "model.safetensors=new");
  EXPECT_EQ(FilesIn("a"), 1u);
}

TEST_F(FileStoresTest, DamagedOrMisplacedPiecesAreRefused) {
  auto intake = artifacts_->Begin("job-1").value();
  EXPECT_FALSE(intake->Add(Chunk("../model", "x")).ok());
  EXPECT_FALSE(intake->Add(Chunk(".hidden", "x")).ok());
  v1::ArtifactChunk damaged = Chunk("a", "x");
  damaged.set_sha256(Sha256("y"));
  EXPECT_FALSE(intake->Add(damaged).ok());
  auto gap = artifacts_->Begin("job-1").value();
  v1::ArtifactChunk late = Chunk("b", "x");
  late.set_offset(5);
  EXPECT_FALSE(gap->Add(late).ok());
  auto open = artifacts_->Begin("job-1").value();
  v1::ArtifactChunk part = Chunk("c", "x");
  part.set_last(false);
  ASSERT_TRUE(open->Add(part).ok());
  EXPECT_EQ(open->Finish().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_FALSE(artifacts_->Has("job-1"));
}

}  // namespace
}  // namespace limbeck::gateway
