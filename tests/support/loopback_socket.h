// TCP sockets on 127.0.0.1.
#pragma once

#include <netinet/in.h>

#include <cstddef>

#include "absl/status/status.h"

namespace limbeck::testing {

sockaddr_in LoopbackAddress(int port);

// Binds and listens without blocking; port 0 picks a free one. UNAVAILABLE when it cannot.
absl::Status ListenLoopback(int port, int backlog, int* fd, int* bound_port);

// A connected socket that does not block and does not wait to fill packets; -1 when nothing
// listens.
int ConnectLoopback(int port);

// Sockets of any process on this machine that wait to be connected to this port.
size_t ConnectingTo(int port);

}  // namespace limbeck::testing
