#include "base/config/yaml_documents.h"

#include <sstream>

#include "absl/strings/str_cat.h"
#include "yaml-cpp/eventhandler.h"

namespace limbeck::config {
namespace {

class DocumentStarts : public YAML::EventHandler {
 public:
  void OnDocumentStart(const YAML::Mark& mark) override {
    ++count_;
    last_ = mark;
  }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark&, YAML::anchor_t) override {}
  void OnAlias(const YAML::Mark&, YAML::anchor_t) override {}
  void OnScalar(const YAML::Mark&, const std::string&, YAML::anchor_t,
                const std::string&) override {}
  void OnSequenceStart(const YAML::Mark&, const std::string&, YAML::anchor_t,
                       YAML::EmitterStyle::value) override {}
  void OnSequenceEnd() override {}
  void OnMapStart(const YAML::Mark&, const std::string&, YAML::anchor_t,
                  YAML::EmitterStyle::value) override {}
  void OnMapEnd() override {}

  int count() const { return count_; }
  const YAML::Mark& last() const { return last_; }

 private:
  int count_ = 0;
  YAML::Mark last_;
};

}  // namespace

absl::StatusOr<YAML::Node> LoadDocument(const std::string& text) {
  std::istringstream stream(text);
  YAML::Parser parser(stream);
  DocumentStarts starts;
  while (starts.count() < 2 && parser.HandleNextDocument(starts)) {
  }
  if (starts.count() > 1) {
    return absl::InvalidArgumentError(absl::StrCat(
        "has more than one document: another begins at line ", starts.last().line + 1, ", column ",
        starts.last().column + 1, " (after \"---\", or at a \",\" or text outside of the first)"));
  }
  return YAML::Load(text);
}

}  // namespace limbeck::config
