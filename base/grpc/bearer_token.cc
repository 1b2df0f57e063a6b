#include "base/grpc/bearer_token.h"

#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/file.h"
#include "base/grpc/status_codec.h"
#include "base/status.h"
#include "base/string_view.h"

namespace limbeck::rpc {
namespace {

constexpr std::string_view kBearer = "Bearer ";
constexpr std::string_view kHealthPrefix = "/grpc.health.v1.Health/";

std::string_view View(const grpc::string_ref& text) { return {text.data(), text.size()}; }

std::optional<std::string_view> FindToken(
    const std::multimap<grpc::string_ref, grpc::string_ref>& metadata) {
  const auto found = metadata.find("authorization");
  if (found == metadata.end()) return std::nullopt;
  const std::string_view value = View(found->second);
  if (!absl::StartsWithIgnoreCase(ToAbsl(value), ToAbsl(kBearer))) return std::nullopt;
  return value.substr(kBearer.size());
}

class TokenProcessor : public grpc::AuthMetadataProcessor {
 public:
  explicit TokenProcessor(Authenticator authenticate) : authenticate_(std::move(authenticate)) {}

  bool IsBlocking() const override { return true; }

  grpc::Status Process(const InputMetadata& metadata, grpc::AuthContext* context,
                       OutputMetadata* consumed, OutputMetadata* response) override {
    const auto path = metadata.find(":path");
    if (path != metadata.end() &&
        View(path->second).substr(0, kHealthPrefix.size()) == kHealthPrefix) {
      return grpc::Status::OK;
    }
    const std::optional<std::string_view> token = FindToken(metadata);
    if (!token.has_value()) {
      return grpc::Status(grpc::StatusCode::UNAUTHENTICATED,
                          "no token; send it as metadata \"authorization: Bearer <token>\"");
    }
    return ToGrpc(authenticate_(*token));
  }

 private:
  const Authenticator authenticate_;
};

}  // namespace

absl::StatusOr<Authenticator> TokenFileAuthenticator(const std::string& path) {
  // Read as a secret first, for its checks and the wiping of what was read.
  LIMBECK_ASSIGN_OR_RETURN(const Secret file, Secret::FromFile(path));
  std::vector<Secret> tokens;
  for (const absl::string_view line : absl::StrSplit(ToAbsl(file.Reveal()), '\n')) {
    const absl::string_view token = absl::StripAsciiWhitespace(line);
    if (!token.empty() && token[0] != '#') tokens.emplace_back(std::string(token));
  }
  if (tokens.empty()) {
    return absl::InvalidArgumentError(absl::StrCat("token file ", path, " holds no token"));
  }
  return Authenticator([tokens = std::move(tokens)](std::string_view candidate) {
    bool known = false;
    for (const Secret& token : tokens) known |= token.Matches(candidate);
    return known ? absl::OkStatus() : absl::UnauthenticatedError("unknown token");
  });
}

std::optional<std::string_view> BearerToken(const grpc::ServerContextBase& context) {
  return FindToken(context.client_metadata());
}

std::shared_ptr<grpc::AuthMetadataProcessor> NewTokenProcessor(Authenticator authenticate) {
  return std::make_shared<TokenProcessor>(std::move(authenticate));
}

}  // namespace limbeck::rpc
