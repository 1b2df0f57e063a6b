// Serves a registry at http://<address>/metrics.
#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "base/metrics/metrics.h"

namespace prometheus {
class Exposer;
}  // namespace prometheus

namespace limbeck::metrics {

class ExpositionServer {
 public:
  // Listens on `address` ("127.0.0.1:9464"; port 0 takes a free one) with two threads. `registry`
  // must outlive the server. There is no authentication: listen where only the scraper reaches.
  // UNAVAILABLE, naming the address, where it cannot be listened on.
  static absl::StatusOr<std::unique_ptr<ExpositionServer>> Start(const std::string& address,
                                                                 Registry* registry);

  // Stops serving.
  ~ExpositionServer();
  ExpositionServer(const ExpositionServer&) = delete;
  ExpositionServer& operator=(const ExpositionServer&) = delete;

  int port() const { return port_; }

 private:
  ExpositionServer(std::unique_ptr<prometheus::Exposer> exposer, int port);

  const std::unique_ptr<prometheus::Exposer> exposer_;
  const int port_;
};

}  // namespace limbeck::metrics
