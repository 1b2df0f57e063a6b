#include "gateway/templates/rows/byte_source.h"

#include <gtest/gtest.h>

#include <string>

#include "base/file.h"
#include "gateway/templates/rows/compress_for_test.h"

namespace limbeck::gateway {
namespace {

std::string Drain(ByteSource& source) {
  std::string all;
  for (int byte = source.Next(); byte != ByteSource::kEnd; byte = source.Next()) {
    all += static_cast<char>(byte);
  }
  return all;
}

TEST(ByteSourceTest, ReadsWholeFilesThroughAnyBuffer) {
  ScopedTempDirectory directory;
  const auto path = directory.path() / "file";
  ASSERT_TRUE(WriteFileDurably(path, "hello \xff world").ok());
  for (const size_t buffer : {1, 2, 5, 13, 100}) {
    auto source = ByteSource::Open(path, buffer);
    ASSERT_TRUE(source.ok());
    EXPECT_EQ(Drain(**source), "hello \xff world");
    EXPECT_EQ((*source)->offset(), 13u);
    EXPECT_TRUE((*source)->status().ok());
  }
}

TEST(ByteSourceTest, SeeksInsideAndOutsideTheBuffer) {
  ScopedTempDirectory directory;
  const auto path = directory.path() / "file";
  ASSERT_TRUE(WriteFileDurably(path, "0123456789").ok());
  auto source = ByteSource::Open(path, 4);
  ASSERT_TRUE(source.ok());
  for (const uint64_t offset : {7, 0, 2, 9, 8}) {
    (*source)->Seek(offset);
    EXPECT_EQ((*source)->Peek(), '0' + static_cast<int>(offset));
    EXPECT_EQ((*source)->Next(), '0' + static_cast<int>(offset));
    EXPECT_EQ((*source)->offset(), offset + 1);
  }
  (*source)->Seek(10);
  EXPECT_EQ((*source)->Next(), ByteSource::kEnd);
}

TEST(ByteSourceTest, ACompressedFileReadsAndSeeksAsItsPlainBytes) {
  ScopedTempDirectory directory;
  std::string plain;
  for (int i = 0; i < 3000; ++i) plain += std::to_string(i) + ",";
  for (const std::string& bytes : {GzipForTest(plain), ZstdForTest(plain)}) {
    const auto path = directory.path() / "file";
    ASSERT_TRUE(WriteFileDurably(path, bytes).ok());
    auto source = ByteSource::Open(path, 100);
    ASSERT_TRUE(source.ok());
    EXPECT_EQ(Drain(**source), plain);
    for (const uint64_t offset : {7000, 0, 2, 9000, 50}) {
      (*source)->Seek(offset);
      EXPECT_EQ((*source)->Next(), plain[offset]);
      EXPECT_EQ((*source)->offset(), offset + 1);
    }
    (*source)->Seek(plain.size());
    EXPECT_EQ((*source)->Next(), ByteSource::kEnd);
    EXPECT_TRUE((*source)->status().ok());
  }
}

TEST(ByteSourceTest, MissingFileIsNotFoundAndNamed) {
  const auto source = ByteSource::Open("/nonexistent/file", 10);
  EXPECT_EQ(source.status().code(), absl::StatusCode::kNotFound);
  EXPECT_NE(source.status().ToString().find("/nonexistent/file"), std::string::npos);
}

TEST(ByteSourceTest, AReadErrorEndsTheSourceWithAStatus) {
  // Directories can be opened but not read.
  ScopedTempDirectory directory;
  auto source = ByteSource::Open(directory.path(), 10);
  ASSERT_TRUE(source.ok());
  EXPECT_EQ((*source)->Next(), ByteSource::kEnd);
  EXPECT_FALSE((*source)->status().ok());
}

}  // namespace
}  // namespace limbeck::gateway
