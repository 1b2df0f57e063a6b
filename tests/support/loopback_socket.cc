#include "tests/support/loopback_socket.h"

#include <fcntl.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"

namespace limbeck::testing {

sockaddr_in LoopbackAddress(int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<uint16_t>(port));
  return address;
}

absl::Status ListenLoopback(int port, int backlog, int* fd, int* bound_port) {
  *fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  const int one = 1;
  setsockopt(*fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
  sockaddr_in address = LoopbackAddress(port);
  socklen_t length = sizeof(address);
  if (*fd < 0 || bind(*fd, reinterpret_cast<sockaddr*>(&address), length) != 0 ||
      listen(*fd, backlog) != 0 ||
      getsockname(*fd, reinterpret_cast<sockaddr*>(&address), &length) != 0) {
    const std::string reason = std::strerror(errno);
    if (*fd >= 0) close(*fd);
    return absl::UnavailableError(absl::StrCat("listen on 127.0.0.1:", port, ": ", reason));
  }
  *bound_port = ntohs(address.sin_port);
  return absl::OkStatus();
}

int ConnectLoopback(int port) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const sockaddr_in address = LoopbackAddress(port);
  if (connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) {
    close(fd);
    return -1;
  }
  const int one = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
  fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
  return fd;
}

// Lines of proc(5)'s net/tcp: number, local address, remote address, state, in hexadecimal.
size_t ConnectingTo(int port) {
  const std::string remote = absl::StrFormat("0100007F:%04X", port);
  std::ifstream table("/proc/net/tcp");
  size_t found = 0;
  for (std::string line; std::getline(table, line);) {
    const std::vector<std::string> fields = absl::StrSplit(line, ' ', absl::SkipEmpty());
    if (fields.size() > 3 && fields[2] == remote && fields[3] == "02") ++found;
  }
  return found;
}

}  // namespace limbeck::testing
