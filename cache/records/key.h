// The key of a query in a domain. Only the cache holds domain secrets, so that nobody outside it
// can compute whether another domain has asked something.
#pragma once

#include <string>
#include <string_view>

namespace limbeck::cache {

inline constexpr size_t kKeyBytes = 32;
inline constexpr size_t kDomainSecretBytes = 32;

// HMAC-SHA-256 under the domain's secret over a version tag and the length-framed canonical
// request: 32 bytes. Pure; thread-safe. The canonical request must name everything that changes
// the answer; the number of candidates asked for is not part of it, since an entry bought with
// more serves fewer.
std::string RecordKey(std::string_view domain_secret, std::string_view canonical_request);

}  // namespace limbeck::cache
