#include "base/http/target.h"

#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>

namespace limbeck::http {
namespace {

using Ipv6 = std::array<uint8_t, 16>;

constexpr std::array<uint8_t, 12> kMapped = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
constexpr Ipv6 kMetadata = {0xfd, 0, 0x0e, 0xc2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x02, 0x54};

bool IsLinkLocal(uint8_t first, uint8_t second) { return first == 169 && second == 254; }

bool IsForbidden(const Ipv6& address) {
  if (std::equal(kMapped.begin(), kMapped.end(), address.begin())) {
    return IsLinkLocal(address[12], address[13]);
  }
  const bool link_local = address[0] == 0xfe && (address[1] & 0xc0) == 0x80;
  return link_local || address == kMetadata;
}

}  // namespace

bool IsForbiddenTarget(const sockaddr& address) {
  if (address.sa_family == AF_INET) {
    sockaddr_in ipv4;
    std::memcpy(&ipv4, &address, sizeof(ipv4));
    uint8_t bytes[4];
    std::memcpy(bytes, &ipv4.sin_addr, sizeof(bytes));
    return IsLinkLocal(bytes[0], bytes[1]);
  }
  if (address.sa_family != AF_INET6) return false;
  sockaddr_in6 ipv6;
  std::memcpy(&ipv6, &address, sizeof(ipv6));
  Ipv6 bytes;
  std::memcpy(bytes.data(), &ipv6.sin6_addr, bytes.size());
  return IsForbidden(bytes);
}

}  // namespace limbeck::http
