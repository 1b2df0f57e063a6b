// OpenAI's batches: a file of requests, POST /batches, two files of answers.
// https://platform.openai.com/docs/api-reference/batch
#pragma once

#include "gateway/teachers/batch_api.h"

namespace limbeck::gateway {

class OpenAiBatches : public BatchApi {
 public:
  absl::StatusOr<std::string> Line(const TeacherConfig& config, const TeacherQuery& query,
                                   std::string_view custom_id) const override;
  http::Request UploadRequest(const TeacherConfig& config, std::string_view name,
                              std::string_view lines) const override;
  absl::StatusOr<std::string> ReadUpload(std::string_view body) const override;
  http::Request CreateRequest(const TeacherConfig& config, std::string_view input_file,
                              std::string_view tag) const override;
  http::Request StatusRequest(const TeacherConfig& config, std::string_view id) const override;
  http::Request CancelRequest(const TeacherConfig& config, std::string_view id) const override;
  absl::StatusOr<BatchStatus> ReadBatch(std::string_view body) const override;
  http::Request ListRequest(const TeacherConfig& config, std::string_view after) const override;
  absl::StatusOr<BatchPage> ReadPage(std::string_view body) const override;
  http::Request ResultRequest(const TeacherConfig& config, std::string_view file) const override;
  absl::StatusOr<BatchAnswer> ReadAnswer(std::string_view line) const override;
  bool HadNoRoom(const BatchStatus& status) const override;
  bool WasNotAsked(const BatchFault& fault) const override;
};

}  // namespace limbeck::gateway
