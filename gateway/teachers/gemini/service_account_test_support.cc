#include "gateway/teachers/gemini/service_account_test_support.h"

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include <nlohmann/json.hpp>

namespace limbeck::gateway::testing {

struct RsaKey::Holder {
  std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key{EVP_RSA_gen(2048), &EVP_PKEY_free};
};

RsaKey::RsaKey() : holder_(std::make_unique<Holder>()) {}
RsaKey::~RsaKey() = default;

std::string RsaKey::Pem() const {
  const std::unique_ptr<BIO, decltype(&BIO_free)> sink(BIO_new(BIO_s_mem()), &BIO_free);
  PEM_write_bio_PrivateKey(sink.get(), holder_->key.get(), nullptr, nullptr, 0, nullptr, nullptr);
  char* text = nullptr;
  const long size = BIO_get_mem_data(sink.get(), &text);
  return {text, static_cast<size_t>(size)};
}

bool RsaKey::Verifies(const std::string& text, const std::string& signature) const {
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> digest(EVP_MD_CTX_new(),
                                                                       &EVP_MD_CTX_free);
  return EVP_DigestVerifyInit(digest.get(), nullptr, EVP_sha256(), nullptr, holder_->key.get()) ==
             1 &&
         EVP_DigestVerify(digest.get(), reinterpret_cast<const unsigned char*>(signature.data()),
                          signature.size(), reinterpret_cast<const unsigned char*>(text.data()),
                          text.size()) == 1;
}

std::string ServiceAccountJson(const RsaKey& key) {
  return nlohmann::json({{"type", "service_account"},
                         {"client_email", "limbeck@p.iam.gserviceaccount.com"},
                         {"private_key_id", "key-1"},
                         {"private_key", key.Pem()},
                         {"token_uri", "https://oauth2.googleapis.com/token"}})
      .dump();
}

}  // namespace limbeck::gateway::testing
