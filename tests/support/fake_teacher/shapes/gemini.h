// Gemini's generateContent, of the developer API and of Vertex: ai.google.dev/api/generate-content.
#pragma once

#include <string>
#include <utility>

#include "tests/support/fake_teacher/shape.h"

namespace limbeck::testing {

class GeminiShape : public Shape {
 public:
  GeminiShape(std::string kind, std::string base_path)
      : kind_(std::move(kind)), base_path_(std::move(base_path)) {}

  std::string_view kind() const override { return kind_; }
  std::string_view base_path() const override { return base_path_; }
  bool Serves(std::string_view target) const override;
  std::string_view Credential(const HttpRequest& request) const override;
  Question Read(const HttpRequest& request) const override;
  WireAnswer Write(const Question& question, const Reply& reply,
                   const std::string& id) const override;
  WireAnswer Error(const WireError& error) const override;

 private:
  const std::string kind_;
  const std::string base_path_;
};

}  // namespace limbeck::testing
