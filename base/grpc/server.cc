#include "base/grpc/server.h"

#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/health_check_service_interface.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server_builder.h>

#include <algorithm>
#include <limits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "base/file.h"
#include "base/mutex_checks.h"
#include "base/status.h"
#include "base/string_view.h"

namespace limbeck::rpc {
namespace {

int Milliseconds(absl::Duration duration) {
  const int64_t ms = absl::ToInt64Milliseconds(duration);
  return static_cast<int>(std::min<int64_t>(ms, std::numeric_limits<int>::max()));
}

absl::Status CheckOptions(const ServerOptions& options) {
  const bool tls = !options.tls_certificate_file.empty();
  if (tls != !options.tls_key_file.empty()) {
    return absl::InvalidArgumentError(
        "TLS needs both tls_certificate_file and tls_key_file; one of them is empty");
  }
  if (!options.tls_client_ca_file.empty() && !tls) {
    return absl::InvalidArgumentError(
        "tls_client_ca_file needs tls_certificate_file and tls_key_file");
  }
  if (IsLoopbackAddress(options.address)) return absl::OkStatus();
  const bool tokens = !options.token_file.empty() || options.authenticate != nullptr;
  if (tokens && !tls) {
    return absl::InvalidArgumentError(
        absl::StrCat("address ", options.address,
                     " is reachable from other machines and tokens would travel in clear text: set "
                     "tls_certificate_file and tls_key_file, or listen on 127.0.0.1"));
  }
  if (options.insecure || (tls && (tokens || !options.tls_client_ca_file.empty()))) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(absl::StrCat(
      "address ", options.address, " is reachable from other machines: set ",
      tls ? "" : "tls_certificate_file, tls_key_file and ",
      "token_file (or tls_client_ca_file), or listen on 127.0.0.1, or set insecure=true if the "
      "network itself keeps strangers out"));
}

absl::StatusOr<std::shared_ptr<grpc::ServerCredentials>> Credentials(const ServerOptions& options) {
  Authenticator authenticate = options.authenticate;
  if (authenticate == nullptr && !options.token_file.empty()) {
    LIMBECK_ASSIGN_OR_RETURN(authenticate, TokenFileAuthenticator(options.token_file));
  }
  std::shared_ptr<grpc::ServerCredentials> credentials;
  if (!options.tls_certificate_file.empty()) {
    grpc::SslServerCredentialsOptions ssl(
        options.tls_client_ca_file.empty()
            ? GRPC_SSL_DONT_REQUEST_CLIENT_CERTIFICATE
            : GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY);
    grpc::SslServerCredentialsOptions::PemKeyCertPair pair;
    LIMBECK_ASSIGN_OR_RETURN(pair.cert_chain, ReadFile(options.tls_certificate_file));
    LIMBECK_ASSIGN_OR_RETURN(pair.private_key, ReadFile(options.tls_key_file));
    ssl.pem_key_cert_pairs.push_back(std::move(pair));
    if (!options.tls_client_ca_file.empty()) {
      LIMBECK_ASSIGN_OR_RETURN(ssl.pem_root_certs, ReadFile(options.tls_client_ca_file));
    }
    credentials = grpc::SslServerCredentials(ssl);
  } else if (authenticate != nullptr) {
    // Plain bytes as with insecure credentials, which cannot check tokens; these can, and insist
    // that the peer is on this machine.
    const bool unix_socket = options.address.rfind("unix:", 0) == 0;
    credentials = grpc::experimental::LocalServerCredentials(unix_socket ? UDS : LOCAL_TCP);
  } else {
    credentials = grpc::InsecureServerCredentials();
  }
  if (authenticate != nullptr) {
    credentials->SetAuthMetadataProcessor(NewTokenProcessor(std::move(authenticate)));
  }
  return credentials;
}

void SetLimits(const ServerOptions& options, grpc::ServerBuilder* builder) {
  builder->SetMaxReceiveMessageSize(options.max_message_bytes);
  builder->SetMaxSendMessageSize(options.max_message_bytes);
  builder->AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, options.max_streams_per_connection);
  builder->AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, Milliseconds(options.keepalive_time));
  builder->AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS,
                              Milliseconds(options.keepalive_timeout));
  builder->AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  builder->AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS,
                              Milliseconds(options.min_ping_interval));
  builder->AddChannelArgument(GRPC_ARG_MAX_CONNECTION_AGE_MS,
                              Milliseconds(options.max_connection_age));
  builder->AddChannelArgument(GRPC_ARG_MAX_CONNECTION_AGE_GRACE_MS,
                              Milliseconds(options.max_connection_age_grace));
  // Two servers on one port would each get a part of the connections.
  builder->AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
}

}  // namespace

bool IsLoopbackAddress(std::string_view address) {
  if (address.rfind("unix:", 0) == 0) return true;
  const size_t colon = address.rfind(':');
  std::string_view host = address.substr(0, colon);
  if (host == "localhost" || host == "[::1]") return true;
  if (host.rfind("127.", 0) != 0) return false;
  // "127.example.org" is a name like any other.
  return host.find_first_not_of("0123456789.") == std::string_view::npos;
}

absl::StatusOr<std::unique_ptr<Server>> Server::Start(const ServerOptions& options,
                                                      const std::vector<grpc::Service*>& services) {
  SetMutexChecks();
  LIMBECK_RETURN_IF_ERROR(CheckOptions(options));
  LIMBECK_ASSIGN_OR_RETURN(const auto credentials, Credentials(options));
  // Both act on every server of the process that is built from here on.
  grpc::EnableDefaultHealthCheckService(true);
  grpc::reflection::InitProtoReflectionServerBuilderPlugin();
  grpc::ServerBuilder builder;
  SetLimits(options, &builder);
  int port = 0;
  builder.AddListeningPort(options.address, credentials, &port);
  for (grpc::Service* service : services) builder.RegisterService(service);
  std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
  if (server == nullptr || port == 0) {
    return absl::UnavailableError(
        absl::StrCat("cannot listen on ", options.address,
                     "; is the port taken, the address not of this machine, or a certificate "
                     "file not PEM?"));
  }
  server->GetHealthCheckService()->SetServingStatus(true);
  return std::unique_ptr<Server>(new Server(std::move(server), options.address, port));
}

Server::~Server() { Shutdown(absl::ZeroDuration()); }

std::string Server::local_target() const {
  if (address_.rfind("unix:", 0) == 0) return address_;
  return absl::StrCat(address_.rfind("[::1]", 0) == 0 ? "[::1]" : "127.0.0.1", ":", port_);
}

void Server::SetServing(const std::string& service, bool serving) {
  if (service.empty()) {
    server_->GetHealthCheckService()->SetServingStatus(serving);
  } else {
    server_->GetHealthCheckService()->SetServingStatus(service, serving);
  }
}

void Server::Shutdown(absl::Duration grace) {
  server_->GetHealthCheckService()->Shutdown();
  server_->Shutdown(absl::ToChronoTime(absl::Now() + grace));
  server_->Wait();
}

}  // namespace limbeck::rpc
