#include "gateway/teachers/registry.h"

#include "absl/strings/str_cat.h"
#include "base/string_view.h"
#include "gateway/teachers/anthropic/anthropic_provider.h"
#include "gateway/teachers/azure/azure_provider.h"
#include "gateway/teachers/compatible/compatible_provider.h"
#include "gateway/teachers/gemini/gemini_provider.h"
#include "gateway/teachers/llamacpp/llamacpp_provider.h"
#include "gateway/teachers/ollama/ollama_provider.h"
#include "gateway/teachers/openai/openai_provider.h"
#include "gateway/teachers/openai_completions/completions_provider.h"
#include "gateway/teachers/vllm/vllm_provider.h"

namespace limbeck::gateway {
namespace {

const std::vector<const Provider*>& Providers() {
  static const auto* const providers = new std::vector<const Provider*>{
      new AnthropicProvider,  new AzureProvider,       new GeminiProvider(GeminiHost::kDeveloper),
      new LlamaCppProvider,   new OllamaProvider,      new OpenAiProvider,
      new CompatibleProvider, new CompletionsProvider, new GeminiProvider(GeminiHost::kVertex),
      new VllmProvider};
  return *providers;
}

}  // namespace

std::vector<std::string_view> ProviderKinds() {
  std::vector<std::string_view> kinds;
  for (const Provider* provider : Providers()) kinds.push_back(provider->kind());
  return kinds;
}

absl::StatusOr<const Provider*> FindProvider(std::string_view kind) {
  std::string known;
  for (const Provider* provider : Providers()) {
    if (provider->kind() == kind) return provider;
    absl::StrAppend(&known, known.empty() ? "" : ", ", ToAbsl(provider->kind()));
  }
  return absl::InvalidArgumentError(
      absl::StrCat("unknown provider kind \"", ToAbsl(kind), "\"; known kinds: ", known));
}

}  // namespace limbeck::gateway
