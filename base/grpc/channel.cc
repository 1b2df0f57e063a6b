#include "base/grpc/channel.h"

#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>

#include <algorithm>
#include <limits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/file.h"
#include "base/grpc/server.h"
#include "base/mutex_checks.h"
#include "base/status.h"
#include "base/string_view.h"

namespace limbeck::rpc {
namespace {

// Sends the token also over local plain channels, which gRPC's own access-token credentials refuse.
class TokenPlugin : public grpc::MetadataCredentialsPlugin {
 public:
  explicit TokenPlugin(const Secret& token) : token_(token) {}

  bool IsBlocking() const override { return false; }
  grpc::Status GetMetadata(grpc::string_ref, grpc::string_ref, const grpc::AuthContext&,
                           std::multimap<grpc::string, grpc::string>* metadata) override {
    metadata->emplace("authorization", absl::StrCat("Bearer ", ToAbsl(token_.Reveal())));
    return grpc::Status::OK;
  }
  // The default would show the class's name; the point is that no token can get in.
  grpc::string DebugString() override { return "TokenPlugin"; }

 private:
  const Secret token_;
};

std::shared_ptr<grpc::ChannelCredentials> WithToken(
    const std::shared_ptr<grpc::ChannelCredentials>& channel, const Secret& token,
    grpc_security_level level) {
  return grpc::CompositeChannelCredentials(channel,
                                           grpc::experimental::MetadataCredentialsFromPlugin(
                                               std::make_unique<TokenPlugin>(token), level));
}

absl::StatusOr<std::shared_ptr<grpc::ChannelCredentials>> Credentials(
    const std::string& target, const ChannelOptions& options) {
  if (options.tls_certificate_file.empty() != options.tls_key_file.empty()) {
    return absl::InvalidArgumentError(
        "a client certificate needs both tls_certificate_file and tls_key_file");
  }
  if (options.tls) {
    grpc::SslCredentialsOptions ssl;
    if (!options.tls_ca_file.empty()) {
      LIMBECK_ASSIGN_OR_RETURN(ssl.pem_root_certs, ReadFile(options.tls_ca_file));
    }
    if (!options.tls_certificate_file.empty()) {
      LIMBECK_ASSIGN_OR_RETURN(ssl.pem_cert_chain, ReadFile(options.tls_certificate_file));
      LIMBECK_ASSIGN_OR_RETURN(ssl.pem_private_key, ReadFile(options.tls_key_file));
    }
    const auto credentials = grpc::SslCredentials(ssl);
    if (options.token.empty()) return credentials;
    return WithToken(credentials, options.token, GRPC_PRIVACY_AND_INTEGRITY);
  }
  if (options.token.empty()) return grpc::InsecureChannelCredentials();
  if (!IsLoopbackAddress(target)) {
    return absl::InvalidArgumentError(
        absl::StrCat("the token for ", target, " would travel in clear text: turn TLS on"));
  }
  const bool unix_socket = target.rfind("unix:", 0) == 0;
  return WithToken(grpc::experimental::LocalCredentials(unix_socket ? UDS : LOCAL_TCP),
                   options.token, GRPC_SECURITY_NONE);
}

// Source: https://github.com/grpc/proposal/blob/master/A6-client-retries.md
constexpr char kTryAgain[] = R"({"methodConfig": [{"name": [{}], "retryPolicy": {
    "maxAttempts": 4, "initialBackoff": "0.2s", "maxBackoff": "0.5s", "backoffMultiplier": 2,
    "retryableStatusCodes": ["UNAVAILABLE"]}}]})";
// Below the first of those waits, so that each try finds a new connection.
constexpr absl::Duration kTryAgainReconnectWait = absl::Milliseconds(100);
constexpr absl::Duration kFirstReconnectWait = absl::Seconds(1);

}  // namespace

absl::StatusOr<std::shared_ptr<grpc::Channel>> NewChannel(const std::string& target,
                                                          const ChannelOptions& options) {
  SetMutexChecks();
  LIMBECK_ASSIGN_OR_RETURN(const auto credentials, Credentials(target, options));
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(options.max_message_bytes);
  arguments.SetMaxSendMessageSize(options.max_message_bytes);
  // gRPC takes the largest int as "never".
  const auto milliseconds = [](absl::Duration duration) {
    return static_cast<int>(
        std::min<int64_t>(absl::ToInt64Milliseconds(duration), std::numeric_limits<int>::max()));
  };
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, milliseconds(options.keepalive_time));
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, milliseconds(options.keepalive_timeout));
  arguments.SetLoadBalancingPolicyName("round_robin");
  if (options.try_again) arguments.SetServiceConfigJSON(kTryAgain);
  const absl::Duration first = options.try_again ? kTryAgainReconnectWait : kFirstReconnectWait;
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS,
                   milliseconds(std::min(first, options.max_reconnect_wait)));
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, milliseconds(options.max_reconnect_wait));
  return grpc::CreateCustomChannel(target, credentials, arguments);
}

}  // namespace limbeck::rpc
