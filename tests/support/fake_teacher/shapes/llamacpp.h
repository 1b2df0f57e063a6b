// llama.cpp's own server: tools/server/README.md of ggml-org/llama.cpp, POST /completion.
#pragma once

#include "tests/support/fake_teacher/shape.h"

namespace limbeck::testing {

class LlamaCppShape : public Shape {
 public:
  std::string_view kind() const override { return "llamacpp"; }
  std::string_view base_path() const override { return ""; }
  bool Serves(std::string_view target) const override { return target == "/completion"; }
  Question Read(const HttpRequest& request) const override;
  WireAnswer Write(const Question& question, const Reply& reply,
                   const std::string& id) const override;
  WireAnswer Error(const WireError& error) const override;
};

}  // namespace limbeck::testing
