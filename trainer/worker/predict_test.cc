#include "trainer/worker/predict.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "base/file.h"
#include "trainer/export/student_folder.h"

namespace limbeck::trainer {
namespace {

class PredictTest : public testing::Test {
 protected:
  PredictTest() {
    const auto student =
        CreateStudent("{\"kind\":\"ngram\",\"labels\":2,\"hash_bits\":10}", 1).value();
    // The bias alone decides: blue, whatever the text.
    student->parameters()[1].values[1] = 2.0F;
    const auto files = StudentFiles(student.get(), {"red", "blue"}, {}).value();
    for (const auto& [name, content] : files) {
      EXPECT_TRUE(WriteFileDurably(dir_.path() / name, content).ok());
    }
  }

  std::string Run(bool json, const std::string& input) {
    std::istringstream in(input);
    std::ostringstream out;
    const absl::Status status = Predict(dir_.path(), json, in, out);
    EXPECT_TRUE(status.ok()) << status;
    return out.str();
  }

  const ScopedTempDirectory dir_;
};

TEST_F(PredictTest, AnswersEachLineInOrder) {
  EXPECT_EQ(Run(false, "one\n\nthree"), "blue\t0.881\tone\nblue\t0.881\t\nblue\t0.881\tthree\n");
}

TEST_F(PredictTest, JsonHoldsAllProbabilitiesAndSurvivesBrokenUtf8) {
  const std::string line = Run(true, "a\xff\n");
  EXPECT_THAT(line, testing::HasSubstr("\"label\":\"blue\""));
  EXPECT_THAT(line, testing::HasSubstr("\"red\":0.119"));
}

TEST_F(PredictTest, NamesAMissingStudent) {
  std::istringstream in;
  std::ostringstream out;
  const absl::Status status = Predict(dir_.path() / "none", false, in, out);
  EXPECT_THAT(std::string(status.message()), testing::HasSubstr("labels.json"));
}

}  // namespace
}  // namespace limbeck::trainer
