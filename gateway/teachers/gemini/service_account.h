// A Google service account: its JSON key and the signed statement that a token is asked with.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/secret.h"

namespace limbeck::gateway {

struct ServiceAccount {
  std::string client_email;
  std::string private_key_id;
  std::string token_uri;  // Where tokens are given out.
  Secret private_key;     // PEM.
};

// INVALID_ARGUMENT names the member that is missing or wrong, never its value: the file must be a
// key of type "service_account" with a private RSA key and an https token_uri (http on loopback).
absl::StatusOr<ServiceAccount> ParseServiceAccount(const Secret& json);

// A JSON Web Token signed with RS256 that asks for a token of the cloud-platform scope, valid for
// an hour from `now`. INVALID_ARGUMENT where the key cannot sign. Source: developers.google.com,
// OAuth 2.0 for server to server applications.
absl::StatusOr<Secret> SignAssertion(const ServiceAccount& account, absl::Time now);

}  // namespace limbeck::gateway
