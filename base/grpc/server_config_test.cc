#include "base/grpc/server_config.h"

#include <gtest/gtest.h>

#include <cstdlib>

#include "base/file.h"

namespace limbeck::rpc {
namespace {

TEST(ServerConfigTest, CarriesAddressFilesAndInsecure) {
  v1::ServerConfig config;
  config.set_address("0.0.0.0:7400");
  config.mutable_security()->set_certificate_file("a.crt");
  config.mutable_security()->set_key_file("a.key");
  config.mutable_security()->set_client_ca_file("ca.crt");
  config.mutable_security()->set_insecure(true);
  config.mutable_security()->mutable_token()->set_file("token");
  const auto options = ToServerOptions(config);
  ASSERT_TRUE(options.ok()) << options.status();
  EXPECT_EQ(options->address, "0.0.0.0:7400");
  EXPECT_EQ(options->tls_certificate_file, "a.crt");
  EXPECT_EQ(options->tls_key_file, "a.key");
  EXPECT_EQ(options->tls_client_ca_file, "ca.crt");
  EXPECT_EQ(options->token_file, "token");
  EXPECT_TRUE(options->insecure);
}

TEST(ServerConfigTest, ATokenFromTheEnvironmentIsChecked) {
  setenv("LIMBECK_SERVER_CONFIG_TEST", "right-token", 1);
  v1::ServerConfig config;
  config.mutable_security()->mutable_token()->set_env("LIMBECK_SERVER_CONFIG_TEST");
  const auto options = ToServerOptions(config);
  ASSERT_TRUE(options.ok()) << options.status();
  EXPECT_TRUE(options->authenticate("right-token").ok());
  EXPECT_EQ(options->authenticate("wrong-token").code(), absl::StatusCode::kUnauthenticated);
  unsetenv("LIMBECK_SERVER_CONFIG_TEST");
  EXPECT_EQ(ToServerOptions(config).status().code(), absl::StatusCode::kNotFound);
}

TEST(ReadSecretTest, ReadsFilesAndRefusesNothing) {
  const ScopedTempDirectory temp;
  ASSERT_TRUE(WriteFileDurably(temp.path() / "key", "  secret-key\n").ok());
  v1::SecretSource source;
  source.set_file((temp.path() / "key").string());
  const auto secret = ReadSecret(source);
  ASSERT_TRUE(secret.ok()) << secret.status();
  EXPECT_EQ(secret->Reveal(), "secret-key");
  EXPECT_EQ(ReadSecret({}).status().code(), absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace limbeck::rpc
