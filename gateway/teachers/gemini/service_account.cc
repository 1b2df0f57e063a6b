#include "gateway/teachers/gemini/service_account.h"

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "base/string_view.h"
#include "gateway/teachers/json_fields.h"

namespace limbeck::gateway {
namespace {

using nlohmann::json;

constexpr const char* kScope = "https://www.googleapis.com/auth/cloud-platform";
constexpr absl::Duration kLifetime = absl::Hours(1);

using BioPtr = std::unique_ptr<BIO, decltype(&BIO_free)>;
using KeyPtr = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;
using DigestPtr = std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)>;

std::string Base64Url(std::string_view text) { return absl::WebSafeBase64Escape(ToAbsl(text)); }

// A passphrase would be asked for on the terminal otherwise.
int NoPassphrase(char*, int, int, void*) { return 0; }

KeyPtr ReadKey(const Secret& pem) {
  const std::string_view text = pem.Reveal();
  const BioPtr source(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())), &BIO_free);
  EVP_PKEY* key = source == nullptr
                      ? nullptr
                      : PEM_read_bio_PrivateKey(source.get(), nullptr, &NoPassphrase, nullptr);
  KeyPtr owned(key, &EVP_PKEY_free);
  if (owned != nullptr && EVP_PKEY_base_id(owned.get()) != EVP_PKEY_RSA) owned.reset();
  return owned;
}

// RSASSA-PKCS1-v1_5 with SHA-256; empty where OpenSSL refuses.
std::string Sign(EVP_PKEY* key, std::string_view text) {
  const DigestPtr digest(EVP_MD_CTX_new(), &EVP_MD_CTX_free);
  const auto* bytes = reinterpret_cast<const unsigned char*>(text.data());
  size_t size = 0;
  if (digest == nullptr ||
      EVP_DigestSignInit(digest.get(), nullptr, EVP_sha256(), nullptr, key) != 1 ||
      EVP_DigestSign(digest.get(), nullptr, &size, bytes, text.size()) != 1) {
    return "";
  }
  std::vector<unsigned char> signature(size);
  if (EVP_DigestSign(digest.get(), signature.data(), &size, bytes, text.size()) != 1) return "";
  return {reinterpret_cast<const char*>(signature.data()), size};
}

}  // namespace

absl::StatusOr<ServiceAccount> ParseServiceAccount(const Secret& text) {
  const json parsed = json::parse(text.Reveal(), nullptr, false);
  if (TextField(parsed, "type") != "service_account") {
    return absl::InvalidArgumentError("is not a service account's JSON key");
  }
  ServiceAccount account;
  account.client_email = TextField(parsed, "client_email");
  account.private_key_id = TextField(parsed, "private_key_id");
  account.token_uri = TextField(parsed, "token_uri");
  account.private_key = Secret(TextField(parsed, "private_key"));
  if (account.client_email.empty()) return absl::InvalidArgumentError("has no client_email");
  const std::string_view uri = account.token_uri;
  if (!uri.starts_with("https://") && !uri.starts_with("http://127.0.0.1")) {
    return absl::InvalidArgumentError("has no token_uri that starts with https://");
  }
  if (ReadKey(account.private_key) == nullptr) {
    return absl::InvalidArgumentError("has no private_key that is RSA in PEM");
  }
  return account;
}

absl::StatusOr<Secret> SignAssertion(const ServiceAccount& account, absl::Time now) {
  const json header = {{"alg", "RS256"}, {"typ", "JWT"}, {"kid", account.private_key_id}};
  const json claims = {{"iss", account.client_email},
                       {"scope", kScope},
                       {"aud", account.token_uri},
                       {"iat", absl::ToUnixSeconds(now)},
                       {"exp", absl::ToUnixSeconds(now + kLifetime)}};
  const std::string text = absl::StrCat(Base64Url(header.dump()), ".", Base64Url(claims.dump()));
  const KeyPtr key = ReadKey(account.private_key);
  const std::string signature = key == nullptr ? "" : Sign(key.get(), text);
  if (signature.empty()) {
    return absl::InvalidArgumentError("the service account's private_key cannot sign");
  }
  return Secret(absl::StrCat(text, ".", Base64Url(signature)));
}

}  // namespace limbeck::gateway
