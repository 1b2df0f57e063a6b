#include "gateway/service/dataset_service.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error_details.h"
#include "base/hash.h"
#include "gateway/service/service_test_node.h"

namespace limbeck::gateway {
namespace {

using ::testing::HasSubstr;
using ::testing::UnorderedElementsAre;

constexpr const char* kRows =
    "{\"text\": \"a fine day\", \"label\": \"good\"}\n"
    "{\"text\": \"a grim day\", \"label\": \"bad\"}\n";

std::string Message(const absl::Status& status) { return std::string(ToStd(status.message())); }

class DatasetServiceTest : public ::testing::Test {
 protected:
  absl::StatusOr<v1::Dataset> UploadRows(const std::string& content) {
    return Upload(node_.channel(), content, Sha256Hex(content));
  }

  ServiceTestNode node_;
  const std::unique_ptr<v1::DatasetService::Stub> stub_ =
      v1::DatasetService::NewStub(node_.channel());
};

TEST_F(DatasetServiceTest, SameContentIsTheSameDataset) {
  const auto first = UploadRows(kRows);
  ASSERT_TRUE(first.ok()) << first.status();
  EXPECT_EQ(first->id(), "sha256:" + Sha256Hex(kRows));
  EXPECT_EQ(first->rows(), 2u);
  EXPECT_THAT(first->columns(), UnorderedElementsAre("text", "label"));
  const auto second = UploadRows(kRows);
  ASSERT_TRUE(second.ok()) << second.status();
  EXPECT_EQ(second->SerializeAsString(), first->SerializeAsString());

  v1::ListDatasetsResponse list;
  ASSERT_TRUE(Call(*stub_, &v1::DatasetService::Stub::ListDatasets, {}, &list).ok());
  EXPECT_EQ(list.datasets_size(), 1);
  v1::GetDatasetRequest get;
  get.set_id(first->id());
  v1::Dataset got;
  ASSERT_TRUE(Call(*stub_, &v1::DatasetService::Stub::GetDataset, get, &got).ok());
  EXPECT_EQ(got.rows(), 2u);
}

TEST_F(DatasetServiceTest, OtherContentThanAnnouncedIsRefused) {
  const auto dataset = Upload(node_.channel(), kRows, std::string(64, 'a'));
  EXPECT_EQ(dataset.status().code(), absl::StatusCode::kInvalidArgument);
  v1::ListDatasetsResponse list;
  ASSERT_TRUE(Call(*stub_, &v1::DatasetService::Stub::ListDatasets, {}, &list).ok());
  EXPECT_EQ(list.datasets_size(), 0);
}

TEST_F(DatasetServiceTest, BadRowsAreNamedByNumberAndNothingIsStored) {
  const auto dataset = UploadRows(std::string(kRows) + "{\"text\": oops}\n");
  EXPECT_EQ(dataset.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(GetReason(dataset.status())->reason, "ROW_INVALID");
  EXPECT_THAT(Message(dataset.status()), HasSubstr("row 3"));
  ASSERT_EQ(GetFieldViolations(dataset.status()).size(), 1u);
  EXPECT_EQ(GetFieldViolations(dataset.status())[0].field, "rows[3]");
  v1::ListDatasetsResponse list;
  ASSERT_TRUE(Call(*stub_, &v1::DatasetService::Stub::ListDatasets, {}, &list).ok());
  EXPECT_EQ(list.datasets_size(), 0);
}

TEST_F(DatasetServiceTest, UploadWithoutHeaderIsRefused) {
  grpc::ClientContext context;
  v1::Dataset dataset;
  const auto writer = stub_->UploadDataset(&context, &dataset);
  v1::UploadDatasetRequest request;
  request.set_data("{}\n");
  writer->Write(request);
  writer->WritesDone();
  const grpc::Status status = writer->Finish();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(status.error_message(), HasSubstr("header"));
}

TEST_F(DatasetServiceTest, MessagesOverTheLimitAreRefused) {
  const std::string content((1u << 20) + 1, '\n');
  const auto dataset = Upload(node_.channel(), content, Sha256Hex(content), content.size());
  EXPECT_EQ(dataset.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(Message(dataset.status()), HasSubstr("at most 1048576"));
}

TEST_F(DatasetServiceTest, UnknownDatasetIsNotFound) {
  v1::GetDatasetRequest get;
  get.set_id("sha256:" + std::string(64, '0'));
  v1::Dataset got;
  EXPECT_TRUE(absl::IsNotFound(Call(*stub_, &v1::DatasetService::Stub::GetDataset, get, &got)));
}

}  // namespace
}  // namespace limbeck::gateway
