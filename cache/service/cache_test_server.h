// A cache on a loopback port, for tests of the service, the client and whatever uses them.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "base/file.h"
#include "base/grpc/server.h"
#include "cache/client/grpc_cache_client.h"
#include "cache/service/cache_node.h"

namespace limbeck::cache {

// Starts in its constructor; Stop and Start restart it on the same port and data. Aborts the test
// program when it cannot start, since nothing works without it.
class CacheTestServer {
 public:
  explicit CacheTestServer(CacheNodeOptions options = {}) : options_(std::move(options)) {
    Start();
  }
  ~CacheTestServer() { Stop(); }

  void Start() {
    auto node = CacheNode::Open(directory_.path(), options_);
    if (!node.ok()) Fail(node.status());
    node_ = *std::move(node);
    rpc::ServerOptions server_options;
    server_options.address = absl::StrCat("127.0.0.1:", port_);
    auto server = rpc::Server::Start(server_options, {node_->service()});
    if (!server.ok()) Fail(server.status());
    server_ = *std::move(server);
    port_ = server_->port();
  }

  void Stop() {
    if (node_ == nullptr) return;
    node_->StopStreams();
    server_->Shutdown(absl::Seconds(5));
    server_.reset();
    node_.reset();
  }

  CacheNode* node() { return node_.get(); }
  std::string target() const { return absl::StrCat("127.0.0.1:", port_); }
  std::filesystem::path data_dir() const { return directory_.path(); }

  std::unique_ptr<CacheClient> NewClient(const CacheClientOptions& options = {}) const {
    auto client = NewCacheClient(target(), rpc::ChannelOptions(), options);
    if (!client.ok()) Fail(client.status());
    return *std::move(client);
  }

 private:
  [[noreturn]] static void Fail(const absl::Status& status) {
    std::fprintf(stderr, "%s\n", status.ToString().c_str());
    std::abort();
  }

  const CacheNodeOptions options_;
  ScopedTempDirectory directory_;
  int port_ = 0;
  std::unique_ptr<CacheNode> node_;
  std::unique_ptr<rpc::Server> server_;
};

}  // namespace limbeck::cache
