#include "cache/records/key.h"

#include "base/hash.h"

namespace limbeck::cache {

std::string RecordKey(std::string_view domain_secret, std::string_view canonical_request) {
  std::string message = "limbeck-key-v1";
  for (int shift = 0; shift < 64; shift += 8) {
    message.push_back(static_cast<char>(static_cast<uint64_t>(canonical_request.size()) >> shift));
  }
  message.append(canonical_request);
  return HmacSha256(domain_secret, message);
}

}  // namespace limbeck::cache
