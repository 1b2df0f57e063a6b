#include "gateway/templates/rows/compressed_file.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <string>

#include "base/file.h"
#include "gateway/templates/rows/compress_for_test.h"

namespace limbeck::gateway {
namespace {

using ::testing::HasSubstr;

class CompressedFileTest : public ::testing::Test {
 protected:
  void Write(const std::string& bytes) {
    ASSERT_TRUE(WriteFileDurably(path_, bytes).ok());
    if (descriptor_ >= 0) close(descriptor_);
    descriptor_ = open(path_.c_str(), O_RDONLY | O_CLOEXEC);
    ASSERT_GE(descriptor_, 0);
  }
  ~CompressedFileTest() override {
    if (descriptor_ >= 0) close(descriptor_);
  }

  // Everything the file holds, through small buffers, or the error.
  absl::StatusOr<std::string> Drain(size_t buffer, const DecompressionLimits& limits = {}) {
    CompressedFile file(path_, descriptor_, *CompressedFile::Detect(path_, descriptor_), buffer,
                        limits);
    std::string all;
    std::string piece(buffer, '\0');
    while (true) {
      const auto got = file.Read(piece.data(), piece.size());
      if (!got.ok()) return got.status();
      if (*got == 0) return all;
      all.append(piece, 0, *got);
    }
  }

  ScopedTempDirectory directory_;
  const std::filesystem::path path_ = directory_.path() / "file";
  int descriptor_ = -1;
};

TEST_F(CompressedFileTest, FirstBytesTellTheCompression) {
  Write(GzipForTest("x"));
  EXPECT_EQ(*CompressedFile::Detect(path_, descriptor_), Compression::kGzip);
  Write(ZstdForTest("x"));
  EXPECT_EQ(*CompressedFile::Detect(path_, descriptor_), Compression::kZstd);
  for (const char* plain : {"", "{", "{\"text\": 1}"}) {
    Write(plain);
    EXPECT_EQ(*CompressedFile::Detect(path_, descriptor_), Compression::kNone);
  }
}

TEST_F(CompressedFileTest, ReadsThroughAnyBuffer) {
  std::string plain;
  for (int i = 0; i < 500; ++i) plain += std::to_string(i * i);
  for (const std::string& bytes : {GzipForTest(plain), ZstdForTest(plain)}) {
    Write(bytes);
    for (const size_t buffer : {1, 7, 4096}) EXPECT_EQ(*Drain(buffer), plain);
  }
}

TEST_F(CompressedFileTest, MembersAndFramesFollowEachOther) {
  for (const std::string& bytes :
       {GzipForTest("one ") + GzipForTest("") + GzipForTest("two") + std::string(20, '\0'),
        ZstdForTest("one ") + ZstdForTest("") + ZstdForTest("two")}) {
    Write(bytes);
    for (const size_t buffer : {1, 64}) EXPECT_EQ(*Drain(buffer), "one two");
  }
}

TEST_F(CompressedFileTest, EveryTruncationIsNoticed) {
  const std::string plain = "some text that is a little longer than a header";
  for (const std::string& bytes : {GzipForTest(plain), ZstdForTest(plain)}) {
    for (size_t size = 4; size < bytes.size(); ++size) {
      Write(bytes.substr(0, size));
      EXPECT_EQ(Drain(64).status().code(), absl::StatusCode::kDataLoss) << size;
    }
  }
}

TEST_F(CompressedFileTest, DamageNamesTheFormatAndThePlace) {
  std::string bytes = GzipForTest(std::string(1000, 'x') + "y");
  bytes[bytes.size() - 6] ^= 1;  // In the checksum.
  Write(bytes);
  const std::string message(Drain(64).status().message());
  EXPECT_THAT(message, HasSubstr("the gzip data is damaged"));
  EXPECT_THAT(message, HasSubstr("of the compressed file"));
  Write(ZstdForTest("x") + "junk");
  EXPECT_THAT(std::string(Drain(64).status().message()), HasSubstr("the zstd data cannot be read"));
}

TEST_F(CompressedFileTest, ABombStopsAtTheNamedLimit) {
  const std::string plain(1 << 20, ' ');
  for (const std::string& bytes : {GzipForTest(plain), ZstdForTest(plain)}) {
    ASSERT_LT(bytes.size(), 2000u);
    Write(bytes);
    const auto drained = Drain(512, {.max_plain_bytes = 10'000});
    EXPECT_EQ(drained.status().code(), absl::StatusCode::kResourceExhausted);
    EXPECT_THAT(std::string(drained.status().message()), HasSubstr("more than 10000 bytes"));
  }
}

TEST_F(CompressedFileTest, AWindowLargerThanTheLimitIsRefused) {
  Write(ZstdForTest(std::string(1 << 20, ' ')));
  EXPECT_EQ(Drain(512, {.max_zstd_window_log = 12}).status().code(), absl::StatusCode::kDataLoss);
}

}  // namespace
}  // namespace limbeck::gateway
