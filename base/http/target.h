// Where this process never connects to, whatever a URL or a name server says.
#pragma once

#include <sys/socket.h>

namespace limbeck::http {

// Whether an address is link-local, where clouds keep the credentials of a machine: 169.254.0.0/16
// and fe80::/10, also in IPv4-mapped spelling, and the fd00:ec2::254 of one cloud. Machines of
// one's own (loopback, private networks) are allowed: teachers run there.
bool IsForbiddenTarget(const sockaddr& address);

}  // namespace limbeck::http
