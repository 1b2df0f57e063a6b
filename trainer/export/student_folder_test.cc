#include "trainer/export/student_folder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/file.h"

namespace limbeck::trainer {
namespace {

constexpr char kConfig[] = "{\"kind\":\"ngram\",\"labels\":2,\"hash_bits\":10}";

class StudentFolderTest : public testing::Test {
 protected:
  void Write(const std::map<std::string, std::string>& files) {
    for (const auto& [name, content] : files) {
      ASSERT_TRUE(WriteFileDurably(dir_.path() / name, content).ok());
    }
  }

  const ScopedTempDirectory dir_;
  std::unique_ptr<Student> student_ = CreateStudent(kConfig, 1).value();
};

TEST_F(StudentFolderTest, ComesBackAsItWas) {
  student_->parameters()[0].values[7] = 0.25F;
  v1::AcceptanceReport report;
  report.set_job_id("job-1");
  const auto files = StudentFiles(student_.get(), {"red", "blue"}, report);
  ASSERT_TRUE(files.ok()) << files.status();
  EXPECT_THAT(files->at("report.json"), testing::HasSubstr("\"job_id\": \"job-1\""));
  Write(*files);
  const auto loaded = LoadStudentFolder(dir_.path());
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  EXPECT_EQ(loaded->labels, (std::vector<std::string>{"red", "blue"}));
  EXPECT_EQ(loaded->student->parameters()[0].values[7], 0.25F);
}

TEST_F(StudentFolderTest, NamesTheFileThatIsWrong) {
  const auto files = StudentFiles(student_.get(), {"red", "blue"}, {});
  ASSERT_TRUE(files.ok()) << files.status();
  for (const auto& [name, damage] :
       std::map<std::string, std::string>{{"labels.json", "{}"},
                                          {"config.json", "{\"kind\":\"x\",\"labels\":2}"},
                                          {"model.safetensors", "short"}}) {
    Write(*files);
    ASSERT_TRUE(WriteFileDurably(dir_.path() / name, damage).ok());
    const auto loaded = LoadStudentFolder(dir_.path());
    ASSERT_FALSE(loaded.ok());
    EXPECT_THAT(std::string(loaded.status().message()), testing::HasSubstr(name));
  }
}

TEST_F(StudentFolderTest, RefusesLabelsThatDoNotFitTheModel) {
  const auto files = StudentFiles(student_.get(), {"red", "blue", "green"}, {});
  ASSERT_TRUE(files.ok()) << files.status();
  Write(*files);
  EXPECT_EQ(LoadStudentFolder(dir_.path()).status().code(), absl::StatusCode::kFailedPrecondition);
}

}  // namespace
}  // namespace limbeck::trainer
