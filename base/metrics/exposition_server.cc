#include "base/metrics/exposition_server.h"

#include <prometheus/exposer.h>
#include <prometheus/registry.h>

#include <exception>
#include <utility>

#include "absl/strings/str_cat.h"

namespace limbeck::metrics {

ExpositionServer::ExpositionServer(std::unique_ptr<prometheus::Exposer> exposer, int port)
    : exposer_(std::move(exposer)), port_(port) {}

ExpositionServer::~ExpositionServer() = default;

absl::StatusOr<std::unique_ptr<ExpositionServer>> ExpositionServer::Start(
    const std::string& address, Registry* registry) {
  constexpr size_t kThreads = 2;
  try {
    auto exposer = std::make_unique<prometheus::Exposer>(address, kThreads);
    const std::vector<int> ports = exposer->GetListeningPorts();
    if (ports.empty()) {
      return absl::UnavailableError(absl::StrCat("metrics server listens on no port of ", address));
    }
    exposer->RegisterCollectable(registry->prometheus_registry());
    return std::unique_ptr<ExpositionServer>(new ExpositionServer(std::move(exposer), ports[0]));
  } catch (const std::exception& error) {
    return absl::UnavailableError(absl::StrCat("metrics server cannot listen on ", address,
                                               "; is the port taken? (", error.what(), ")"));
  }
}

}  // namespace limbeck::metrics
