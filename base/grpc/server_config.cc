#include "base/grpc/server_config.h"

#include "base/status.h"

namespace limbeck::rpc {

absl::StatusOr<Secret> ReadSecret(const v1::SecretSource& source) {
  switch (source.source_case()) {
    case v1::SecretSource::kFile:
      return Secret::FromFile(source.file());
    case v1::SecretSource::kEnv:
      return Secret::FromEnv(source.env());
    case v1::SecretSource::SOURCE_NOT_SET:
      break;
  }
  return absl::InvalidArgumentError("a secret needs `file` or `env`");
}

absl::StatusOr<ServerOptions> ToServerOptions(const v1::ServerConfig& config) {
  const v1::ServerSecurity& security = config.security();
  ServerOptions options;
  if (!config.address().empty()) options.address = config.address();
  options.tls_certificate_file = security.certificate_file();
  options.tls_key_file = security.key_file();
  options.tls_client_ca_file = security.client_ca_file();
  options.insecure = security.insecure();
  if (!security.has_token()) return options;
  if (security.token().source_case() == v1::SecretSource::kFile) {
    options.token_file = security.token().file();
    return options;
  }
  LIMBECK_ASSIGN_OR_RETURN(const Secret token, ReadSecret(security.token()));
  options.authenticate = [token](std::string_view candidate) {
    return token.Matches(candidate) ? absl::OkStatus()
                                    : absl::UnauthenticatedError("the token is not known");
  };
  return options;
}

}  // namespace limbeck::rpc
