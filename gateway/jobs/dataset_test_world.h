// Stored datasets and a spec over them, for tests of what reads rows.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/kv/open.h"
#include "gateway/jobs/dataset_store.h"
#include "gateway/jobs/spec_defaults.h"
#include "limbeck/v1/job.pb.h"

namespace limbeck::gateway {

class DatasetTestWorld {
 public:
  DatasetTestWorld() {
    engine_ = kv::Open({.driver = "memory", .tables = DatasetStore::Tables()}).value();
    datasets_ = DatasetStore::Open({.directory = directory_.path() / "d"}, engine_.get()).value();
    teachers_["fake"] = {.name = "fake", .gives_top_logprobs = true, .trainable = true};
    spec_.mutable_data()->mutable_prompt()->set_user("{{ text }}");
    spec_.add_teachers()->set_teacher("fake");
    for (const char* label : {"good", "bad"}) {
      spec_.mutable_task()->mutable_classify()->add_labels()->set_name(label);
    }
  }

  // Stores JSON lines; returns the dataset.
  v1::Dataset Store(const std::vector<std::string>& lines) {
    std::string file;
    for (const std::string& line : lines) absl::StrAppend(&file, line, "\n");
    return StoreFile(file, v1::DATASET_FORMAT_JSONL);
  }

  v1::Dataset StoreFile(const std::string& file, v1::DatasetFormat format) {
    v1::UploadDatasetRequest::Header header;
    header.set_sha256(Sha256Hex(file));
    header.set_format(format);
    auto upload = datasets_->Begin(header);
    EXPECT_TRUE((*upload)->Append(file).ok());
    auto dataset = (*upload)->Finish();
    EXPECT_TRUE(dataset.ok()) << dataset.status();
    return *std::move(dataset);
  }

  // Lines {"text": "PREFIX N", "label": "good"} for N from 0.
  static std::vector<std::string> Lines(const std::string& prefix, int count) {
    std::vector<std::string> lines;
    for (int i = 0; i < count; ++i) {
      lines.push_back(absl::StrCat("{\"text\": \"", prefix, " ", i, "\", \"label\": \"",
                                   i % 2 == 0 ? "good" : "bad", "\"}"));
    }
    return lines;
  }

  // The spec with its defaults filled in.
  v1::JobSpec Filled() const {
    v1::JobSpec spec = spec_;
    FillDefaults(teachers_, &spec);
    return spec;
  }

  v1::JobSpec& spec() { return spec_; }
  v1::Expansion& expansion() { return *spec_.mutable_data()->mutable_expansion(); }
  DatasetStore& datasets() { return *datasets_; }
  const TeacherCatalog& teachers() const { return teachers_; }

 private:
  ScopedTempDirectory directory_;
  std::unique_ptr<kv::Engine> engine_;
  std::unique_ptr<DatasetStore> datasets_;
  TeacherCatalog teachers_;
  v1::JobSpec spec_;
};

}  // namespace limbeck::gateway
