// A service account of a key made for one test.
#pragma once

#include <memory>
#include <string>

namespace limbeck::gateway::testing {

// A fresh RSA key of 2048 bits.
class RsaKey {
 public:
  RsaKey();
  ~RsaKey();

  std::string Pem() const;
  // Whether `signature` is this key's RS256 signature of `text`.
  bool Verifies(const std::string& text, const std::string& signature) const;

 private:
  struct Holder;
  const std::unique_ptr<Holder> holder_;
};

// The key file that Google would hand out for `key`.
std::string ServiceAccountJson(const RsaKey& key);

}  // namespace limbeck::gateway::testing
