#include "tests/support/fake_teacher/shapes.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/string_view.h"
#include "tests/support/fake_teacher/shapes/anthropic.h"
#include "tests/support/fake_teacher/shapes/azure.h"
#include "tests/support/fake_teacher/shapes/completions.h"
#include "tests/support/fake_teacher/shapes/gemini.h"
#include "tests/support/fake_teacher/shapes/llamacpp.h"
#include "tests/support/fake_teacher/shapes/ollama.h"
#include "tests/support/fake_teacher/shapes/openai_chat.h"
#include "tests/support/fake_teacher/shapes/vllm.h"

namespace limbeck::testing {
namespace {

const std::vector<const Shape*>& Shapes() {
  static const auto* const shapes = new std::vector<const Shape*>{
      new AnthropicShape,
      new AzureShape,
      new GeminiShape("gemini", "/v1beta"),
      new LlamaCppShape,
      new OllamaShape,
      new OpenAiChatShape("openai"),
      new OpenAiChatShape("openai_compatible"),
      new CompletionsShape,
      new GeminiShape("vertex", "/v1/projects/p/locations/l/publishers/google"),
      new VllmShape};
  return *shapes;
}

}  // namespace

std::vector<std::string_view> ShapeKinds() {
  std::vector<std::string_view> kinds;
  for (const Shape* shape : Shapes()) kinds.push_back(shape->kind());
  return kinds;
}

absl::StatusOr<const Shape*> FindShape(std::string_view kind) {
  for (const Shape* shape : Shapes()) {
    if (shape->kind() == kind) return shape;
  }
  std::vector<std::string> known;
  for (const std::string_view one : ShapeKinds()) known.emplace_back(one);
  return absl::InvalidArgumentError(absl::StrCat("unknown wire shape \"", ToAbsl(kind),
                                                 "\"; known: ", absl::StrJoin(known, ", ")));
}

}  // namespace limbeck::testing
