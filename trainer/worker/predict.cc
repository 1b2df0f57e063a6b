#include "trainer/worker/predict.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "absl/strings/str_format.h"
#include "base/status.h"
#include "trainer/export/student_folder.h"
#include "trainer/loop/validate.h"

namespace limbeck::trainer {
namespace {

// A line longer than this is cut: no student reads that far.
constexpr size_t kMaxTextBytes = 1 << 20;

void Write(const std::vector<std::string>& labels, const std::vector<double>& probabilities,
           const std::string& text, bool json, std::ostream& out) {
  const size_t best = static_cast<size_t>(
      std::max_element(probabilities.begin(), probabilities.end()) - probabilities.begin());
  if (!json) {
    out << labels[best] << '\t' << absl::StrFormat("%.3f", probabilities[best]) << '\t' << text
        << '\n';
    return;
  }
  nlohmann::ordered_json line = {{"label", labels[best]}, {"probability", probabilities[best]}};
  for (size_t i = 0; i < labels.size(); ++i) line["probabilities"][labels[i]] = probabilities[i];
  line["text"] = text;
  out << line.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) << '\n';
}

}  // namespace

absl::Status Predict(const std::filesystem::path& student_folder, bool json, std::istream& in,
                     std::ostream& out) {
  LIMBECK_ASSIGN_OR_RETURN(const LoadedStudent loaded, LoadStudentFolder(student_folder));
  std::vector<std::string> texts;
  const auto answer = [&]() -> absl::Status {
    LIMBECK_ASSIGN_OR_RETURN(const Inference inference,
                             InferProbabilities(loaded.student.get(), texts));
    for (size_t i = 0; i < texts.size(); ++i) {
      Write(loaded.labels, inference.probabilities[i], texts[i], json, out);
    }
    out.flush();
    texts.clear();
    return absl::OkStatus();
  };
  for (std::string line; std::getline(in, line);) {
    if (line.size() > kMaxTextBytes) line.resize(kMaxTextBytes);
    texts.push_back(std::move(line));
    // What is typed is answered at once, what is piped in batches.
    if (texts.size() == kInferenceBatch || in.rdbuf()->in_avail() <= 0) {
      LIMBECK_RETURN_IF_ERROR(answer());
    }
  }
  LIMBECK_RETURN_IF_ERROR(answer());
  if (!out) return absl::UnavailableError("standard output cannot be written");
  return absl::OkStatus();
}

}  // namespace limbeck::trainer
