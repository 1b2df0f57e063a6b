#include "tests/support/fake_teacher/shapes/azure.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace limbeck::testing {
namespace {

using nlohmann::json;

constexpr std::string_view kDeployments = "/openai/deployments/";

}  // namespace

bool AzureShape::Serves(std::string_view target) const {
  if (target == "/openai/v1/chat/completions") return true;
  if (!target.starts_with(kDeployments)) return false;
  target.remove_prefix(kDeployments.size());
  // What is left of it begins with the deployment's name.
  return target.find('/') != 0 && target.substr(std::min(target.size(), target.find('/')))
                                      .starts_with("/chat/completions?api-version=");
}

std::string_view AzureShape::Credential(const HttpRequest& request) const {
  const std::string_view key = request.header("api-key");
  return key.empty() ? OpenAiChatShape::Credential(request) : key;
}

void AzureShape::AddToChoice(const Question&, const Reply&, json* choice) const {
  (*choice)["content_filter_results"] = {{"hate", {{"filtered", false}, {"severity", "safe"}}}};
}

WireAnswer AzureShape::Error(const WireError& error) const {
  if (error.kind != WireErrorKind::kRateLimited) return OpenAiError(error);
  std::string message = "Requests to this deployment have exceeded the token rate limit.";
  if (!error.wait.empty()) {
    absl::StrAppend(&message, " Please retry after ", error.wait, " seconds.");
  }
  return JsonAnswer(UsualStatus(error), {{"error", {{"code", "429"}, {"message", message}}}});
}

}  // namespace limbeck::testing
