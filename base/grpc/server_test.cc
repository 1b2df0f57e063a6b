#include "base/grpc/server.h"

#include <grpcpp/generic/generic_stub.h>
#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <thread>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "base/error_details.h"
#include "base/file.h"
#include "base/grpc/channel.h"
#include "base/grpc/status_codec.h"
#include "base/string_view.h"
#include "limbeck/v1/teacher_service.grpc.pb.h"
#include "tests/support/loopback_socket.h"

namespace limbeck::rpc {
namespace {

using v1::TeacherService;

// Answers every call with the same status and notes the caller's token.
class ScriptedService : public TeacherService::Service {
 public:
  grpc::Status ListTeachers(grpc::ServerContext* context, const v1::ListTeachersRequest*,
                            v1::ListTeachersResponse*) override {
    ++calls;
    token = std::string(BearerToken(*context).value_or("(none)"));
    if (hold) {
      entered.Notify();
      while (!context->IsCancelled()) std::this_thread::yield();
    }
    return ToGrpc(away-- > 0 ? absl::UnavailableError("not yet") : answer);
  }

  std::atomic<int> calls = 0;
  // So many calls more are told that nobody is there.
  std::atomic<int> away = 0;
  std::string token;
  absl::Status answer;
  std::atomic<bool> hold = false;
  absl::Notification entered;
};

absl::Status List(const std::shared_ptr<grpc::Channel>& channel) {
  grpc::ClientContext context;
  context.set_wait_for_ready(false);
  v1::ListTeachersResponse response;
  return FromGrpc(TeacherService::NewStub(channel)->ListTeachers(&context, {}, &response));
}

absl::Status ListWith(const Server& server, std::string token) {
  ChannelOptions options;
  options.token = Secret(std::move(token));
  return List(NewChannel(server.local_target(), options).value());
}

// One raw message to `method` and its first answer; the generated stubs of the standard services
// are in no package.
absl::StatusOr<std::string> CallRaw(const std::shared_ptr<grpc::Channel>& channel,
                                    const std::string& method, const std::string& request) {
  grpc::GenericStub stub(channel);
  grpc::ClientContext context;
  grpc::CompletionQueue queue;
  auto call = stub.PrepareCall(&context, method, &queue);
  void* tag = nullptr;
  bool ok = false;
  call->StartCall(nullptr);
  queue.Next(&tag, &ok);
  const grpc::Slice slice(request);
  call->WriteLast(grpc::ByteBuffer(&slice, 1), {}, nullptr);
  queue.Next(&tag, &ok);
  grpc::ByteBuffer response;
  bool read = false;
  call->Read(&response, nullptr);
  queue.Next(&tag, &read);
  grpc::Status status;
  call->Finish(&status, nullptr);
  queue.Next(&tag, &ok);
  if (!status.ok()) return FromGrpc(status);
  std::string bytes;
  std::vector<grpc::Slice> slices;
  if (read && response.Dump(&slices).ok()) {
    for (const grpc::Slice& part : slices) {
      bytes.append(reinterpret_cast<const char*>(part.begin()), part.size());
    }
  }
  return bytes;
}

constexpr char kHealthCheck[] = "/grpc.health.v1.Health/Check";
constexpr char kServing[] = "\x08\x01";     // HealthCheckResponse {status: SERVING}
constexpr char kNotServing[] = "\x08\x02";  // HealthCheckResponse {status: NOT_SERVING}

TEST(ServerTest, AnswersWithHealthAndReflection) {
  ScriptedService service;
  auto server = Server::Start({}, {&service});
  ASSERT_TRUE(server.ok()) << server.status();
  EXPECT_GT((*server)->port(), 0);
  const auto channel = NewChannel((*server)->local_target()).value();
  EXPECT_TRUE(List(channel).ok());
  EXPECT_EQ(CallRaw(channel, kHealthCheck, "").value(), kServing);
  // HealthCheckRequest {service: "x"}
  const std::string ask_x = "\x0a\x01x";
  EXPECT_EQ(CallRaw(channel, kHealthCheck, ask_x).status().code(), absl::StatusCode::kNotFound);
  (*server)->SetServing("x", false);
  EXPECT_EQ(CallRaw(channel, kHealthCheck, ask_x).value(), kNotServing);
  (*server)->SetServing("x", true);
  EXPECT_EQ(CallRaw(channel, kHealthCheck, ask_x).value(), kServing);
  // ServerReflectionRequest {list_services: ""}
  const auto services =
      CallRaw(channel, "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
              std::string("\x3a\x00", 2));
  ASSERT_TRUE(services.ok()) << services.status();
  EXPECT_TRUE(absl::StrContains(*services, "limbeck.v1.TeacherService"));
}

TEST(ServerTest, ViolationsAndReasonSurviveTheWire) {
  ScriptedService service;
  service.answer = WithReason(InvalidFields("job", {{"spec.x", "is missing"}, {"spec.y", "is 3"}}),
                              "SPEC_INVALID", {{"k", "v"}});
  auto server = Server::Start({}, {&service});
  ASSERT_TRUE(server.ok()) << server.status();
  EXPECT_EQ(List(NewChannel((*server)->local_target()).value()), service.answer);
}

TEST(ServerTest, ChannelsThatMayRepeatCallsOutwaitAServerThatIsAwayForAMoment) {
  ScriptedService service;
  auto server = Server::Start({}, {&service});
  ASSERT_TRUE(server.ok()) << server.status();
  service.away = 1;
  EXPECT_EQ(List(NewChannel((*server)->local_target()).value()).code(),
            absl::StatusCode::kUnavailable);
  ChannelOptions options;
  options.try_again = true;
  service.away = 2;
  EXPECT_TRUE(List(NewChannel((*server)->local_target(), options).value()).ok());
  service.away = 4;
  EXPECT_EQ(List(NewChannel((*server)->local_target(), options).value()).code(),
            absl::StatusCode::kUnavailable);
  EXPECT_EQ(service.calls, 1 + 3 + 4);
}

TEST(ServerTest, TokensAreCheckedBeforeTheHandlerRuns) {
  const ScopedTempDirectory dir;
  ServerOptions options;
  options.token_file = (dir.path() / "tokens").string();
  ASSERT_TRUE(WriteFileDurably(options.token_file, "# ops\nfirst-token\n\nsecond-token\n").ok());
  ScriptedService service;
  auto server = Server::Start(options, {&service});
  ASSERT_TRUE(server.ok()) << server.status();
  const auto anonymous = NewChannel((*server)->local_target()).value();

  const absl::Status missing = List(anonymous);
  EXPECT_EQ(missing.code(), absl::StatusCode::kUnauthenticated) << missing;
  EXPECT_TRUE(absl::StrContains(missing.message(), "authorization: Bearer"));
  for (const char* wrong : {"first-toke", "first-token-", "# ops", "second"}) {
    EXPECT_EQ(ListWith(**server, wrong).code(), absl::StatusCode::kUnauthenticated) << wrong;
  }
  EXPECT_EQ(service.calls, 0);
  EXPECT_TRUE(ListWith(**server, "first-token").ok());
  EXPECT_EQ(service.token, "first-token");
  EXPECT_TRUE(ListWith(**server, "second-token").ok());
  EXPECT_EQ(service.token, "second-token");
  EXPECT_EQ(CallRaw(anonymous, kHealthCheck, "").value(), kServing);
}

TEST(ServerTest, OwnAuthenticatorDecides) {
  ServerOptions options;
  options.authenticate = [](std::string_view token) {
    return token == "good" ? absl::OkStatus() : absl::UnauthenticatedError("not good");
  };
  ScriptedService service;
  auto server = Server::Start(options, {&service});
  ASSERT_TRUE(server.ok()) << server.status();
  EXPECT_TRUE(ListWith(**server, "good").ok());
  EXPECT_EQ(ListWith(**server, "bad"), absl::UnauthenticatedError("not good"));
}

TEST(ServerTest, ListeningBeyondThisMachineWantsTlsAndTokens) {
  ScriptedService service;
  for (const char* address : {"0.0.0.0:0", "[::]:0", "10.1.2.3:0", "127.example.org:0"}) {
    ServerOptions options;
    options.address = address;
    const absl::Status status = Server::Start(options, {&service}).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << status;
    for (const char* word : {"tls_certificate_file", "token_file", "insecure=true", address}) {
      EXPECT_TRUE(absl::StrContains(status.message(), word)) << status;
    }
  }
  ServerOptions options;
  options.address = "0.0.0.0:0";
  options.insecure = true;
  EXPECT_TRUE(Server::Start(options, {&service}).ok());
  options.token_file = "tokens";
  EXPECT_TRUE(
      absl::StrContains(Server::Start(options, {&service}).status().message(), "in clear text"));
}

TEST(ServerTest, ContradictingOrUnreadableFilesAreRefused) {
  ScriptedService service;
  ServerOptions options;
  options.tls_key_file = "key.pem";
  EXPECT_EQ(Server::Start(options, {&service}).status().code(), absl::StatusCode::kInvalidArgument);
  options.tls_certificate_file = "/nonexistent/cert.pem";
  EXPECT_EQ(Server::Start(options, {&service}).status().code(), absl::StatusCode::kNotFound);
  ServerOptions tokens;
  tokens.token_file = "/nonexistent/tokens";
  EXPECT_EQ(Server::Start(tokens, {&service}).status().code(), absl::StatusCode::kNotFound);
}

TEST(ServerTest, TakenPortIsUnavailable) {
  ScriptedService service;
  auto first = Server::Start({}, {&service});
  ASSERT_TRUE(first.ok());
  ServerOptions options;
  options.address = (*first)->local_target();
  ScriptedService other;
  EXPECT_EQ(Server::Start(options, {&other}).status().code(), absl::StatusCode::kUnavailable);
}

TEST(ServerTest, ShutdownCancelsCallsThatOutstayTheGrace) {
  ScriptedService service;
  service.hold = true;
  auto server = Server::Start({}, {&service});
  ASSERT_TRUE(server.ok());
  const auto channel = NewChannel((*server)->local_target()).value();
  absl::Status result;
  std::thread caller([&] { result = List(channel); });
  service.entered.WaitForNotification();
  (*server)->Shutdown(absl::Milliseconds(10));
  caller.join();
  EXPECT_FALSE(result.ok());
  EXPECT_EQ(List(channel).code(), absl::StatusCode::kUnavailable);
}

// Writes a self-signed certificate for 127.0.0.1 and its key into `dir`.
void WriteCertificate(const std::filesystem::path& dir) {
  EVP_PKEY* key = EVP_EC_gen("P-256");
  X509* certificate = X509_new();
  X509_set_version(certificate, 2);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
  X509_gmtime_adj(X509_getm_notBefore(certificate), -3600);
  X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
  X509_set_pubkey(certificate, key);
  X509_NAME* name = X509_get_subject_name(certificate);
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>("limbeck test"), -1, -1, 0);
  X509_set_issuer_name(certificate, name);
  X509_EXTENSION* address =
      X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, "IP:127.0.0.1");
  X509_add_ext(certificate, address, -1);
  X509_EXTENSION_free(address);
  X509_sign(certificate, key, EVP_sha256());
  FILE* file = std::fopen((dir / "cert.pem").c_str(), "w");
  PEM_write_X509(file, certificate);
  std::fclose(file);
  file = std::fopen((dir / "key.pem").c_str(), "w");
  PEM_write_PrivateKey(file, key, nullptr, nullptr, 0, nullptr, nullptr);
  std::fclose(file);
  X509_free(certificate);
  EVP_PKEY_free(key);
}

TEST(ServerTest, TlsServerIsReachedWithItsAuthorityAndTokenOnly) {
  const ScopedTempDirectory dir;
  WriteCertificate(dir.path());
  ServerOptions options;
  options.address = "0.0.0.0:0";
  options.tls_certificate_file = (dir.path() / "cert.pem").string();
  options.tls_key_file = (dir.path() / "key.pem").string();
  ScriptedService service;
  EXPECT_TRUE(
      absl::StrContains(Server::Start(options, {&service}).status().message(), "set token_file"));
  options.token_file = (dir.path() / "tokens").string();
  ASSERT_TRUE(WriteFileDurably(options.token_file, "the-token").ok());
  auto server = Server::Start(options, {&service});
  ASSERT_TRUE(server.ok()) << server.status();

  ChannelOptions client;
  client.tls = true;
  client.tls_ca_file = options.tls_certificate_file;
  client.token = Secret("the-token");
  EXPECT_TRUE(List(NewChannel((*server)->local_target(), client).value()).ok());
  client.token = Secret();
  EXPECT_EQ(List(NewChannel((*server)->local_target(), client).value()).code(),
            absl::StatusCode::kUnauthenticated);
  client.tls_ca_file.clear();
  EXPECT_EQ(List(NewChannel((*server)->local_target(), client).value()).code(),
            absl::StatusCode::kUnavailable);
}

TEST(ServerTest, ClientsShowACertificateOfTheAuthorityThatTheServerNames) {
  const ScopedTempDirectory dir;
  const ScopedTempDirectory stranger;
  WriteCertificate(dir.path());
  WriteCertificate(stranger.path());
  ServerOptions options;
  options.tls_certificate_file = (dir.path() / "cert.pem").string();
  options.tls_key_file = (dir.path() / "key.pem").string();
  options.tls_client_ca_file = options.tls_certificate_file;
  ScriptedService service;
  auto server = Server::Start(options, {&service});
  ASSERT_TRUE(server.ok()) << server.status();

  ChannelOptions client;
  client.tls = true;
  client.tls_ca_file = options.tls_certificate_file;
  EXPECT_EQ(List(NewChannel((*server)->local_target(), client).value()).code(),
            absl::StatusCode::kUnavailable);
  client.tls_certificate_file = (stranger.path() / "cert.pem").string();
  client.tls_key_file = (stranger.path() / "key.pem").string();
  EXPECT_EQ(List(NewChannel((*server)->local_target(), client).value()).code(),
            absl::StatusCode::kUnavailable);
  EXPECT_EQ(service.calls, 0);
  client.tls_certificate_file = options.tls_certificate_file;
  client.tls_key_file = options.tls_key_file;
  EXPECT_TRUE(List(NewChannel((*server)->local_target(), client).value()).ok());
}

// With gRPC's own waits, so many tries would take longer.
TEST(ChannelTest, WaitsNoLongerThanItsBoundBeforeItConnectsAgain) {
  constexpr int kTries = 12;
  int listener = -1;
  int port = 0;
  ASSERT_TRUE(testing::ListenLoopback(0, kTries, &listener, &port).ok());
  ChannelOptions options;
  options.max_reconnect_wait = absl::Milliseconds(100);
  const auto channel = NewChannel(absl::StrCat("127.0.0.1:", port), options).value();
  const absl::Time end = absl::Now() + absl::Minutes(2);
  int tries = 0;
  while (tries < kTries && absl::Now() < end) {
    // Who waits drives the channel; one that nobody uses takes its time.
    channel->WaitForConnected(std::chrono::system_clock::now() + std::chrono::milliseconds(20));
    const int fd = accept(listener, nullptr, nullptr);
    if (fd < 0) continue;
    ++tries;
    close(fd);
  }
  close(listener);
  EXPECT_EQ(tries, kTries);
}

TEST(ChannelTest, TokenInClearTextBeyondThisMachineIsRefused) {
  ChannelOptions options;
  options.token = Secret("the-token");
  EXPECT_EQ(NewChannel("cache.example.org:7070", options).status().code(),
            absl::StatusCode::kInvalidArgument);
  options.tls = true;
  EXPECT_TRUE(NewChannel("cache.example.org:7070", options).ok());
}

}  // namespace
}  // namespace limbeck::rpc
