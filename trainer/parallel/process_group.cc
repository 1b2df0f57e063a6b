#include "trainer/parallel/process_group.h"

#include <algorithm>
#include <cstring>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "trainer/parallel/c10d_compat.h"

namespace limbeck::trainer {
namespace {

// c10d's sockets count in whole seconds, so that less than one would be no time at all.
std::chrono::milliseconds Timeout(absl::Duration duration) {
  return std::chrono::milliseconds(std::max<int64_t>(1000, absl::ToInt64Milliseconds(duration)));
}

// The edge where c10d's exceptions become statuses.
template <typename Function>
absl::Status Guard(std::string_view action, const Function& function) {
  try {
    function();
    return absl::OkStatus();
  } catch (const std::exception& error) {
    // c10d appends a C++ backtrace after the first line.
    const std::string_view what(error.what());
    return absl::UnavailableError(
        absl::StrCat(ToAbsl(action), ": ", ToAbsl(what.substr(0, what.find('\n')))));
  }
}

class SingleProcess : public ProcessGroup {
 public:
  uint32_t rank() const override { return 0; }
  uint32_t world_size() const override { return 1; }
  absl::Status AllReduceSum(std::span<float>) override { return absl::OkStatus(); }
  absl::StatusOr<std::vector<std::string>> AllGather(std::string_view bytes) override {
    return std::vector<std::string>{std::string(bytes)};
  }
  absl::Status Broadcast(uint32_t, std::string*) override { return absl::OkStatus(); }
  absl::Status Barrier() override { return absl::OkStatus(); }
};

class C10dStore : public RendezvousStore {
 public:
  C10dStore(c10::intrusive_ptr<c10d::TCPStore> store, std::string address)
      : store_(std::move(store)), address_(std::move(address)) {}
  const std::string& address() const override { return address_; }
  const c10::intrusive_ptr<c10d::TCPStore>& store() const { return store_; }

 private:
  const c10::intrusive_ptr<c10d::TCPStore> store_;
  const std::string address_;
};

at::Tensor Bytes(char* data, size_t size) {
  return at::from_blob(data, {static_cast<int64_t>(size)}, at::kByte);
}

class GlooGroup : public ProcessGroup {
 public:
  GlooGroup(const GroupOptions& options, c10::intrusive_ptr<c10d::Store> store)
      : options_(options) {
    auto gloo = c10d::ProcessGroupGloo::Options::create(Timeout(options.timeout));
    gloo->devices.push_back(c10d::ProcessGroupGloo::createDeviceForHostname(options.host));
    gloo->threads = 1;
    group_ = c10::make_intrusive<c10d::ProcessGroupGloo>(
        store, static_cast<int>(options.rank), static_cast<int>(options.world_size), gloo);
  }

  uint32_t rank() const override { return options_.rank; }
  uint32_t world_size() const override { return options_.world_size; }

  absl::Status AllReduceSum(std::span<float> values) override {
    if (values.empty()) return absl::OkStatus();
    return Guard("all-reduce", [&] {
      std::vector<at::Tensor> tensors = {
          at::from_blob(values.data(), {static_cast<int64_t>(values.size())}, at::kFloat)};
      group_->allreduce(tensors)->wait();
    });
  }

  absl::StatusOr<std::vector<std::string>> AllGather(std::string_view bytes) override {
    std::vector<std::string> result(world_size());
    const absl::Status status = Guard("all-gather", [&] {
      std::vector<at::Tensor> size = {at::full({1}, int64_t(bytes.size()), at::kLong)};
      std::vector<std::vector<at::Tensor>> sizes(1);
      for (uint32_t r = 0; r < world_size(); ++r) sizes[0].push_back(at::zeros({1}, at::kLong));
      group_->allgather(sizes, size)->wait();
      int64_t longest = 1;  // Gloo refuses empty tensors.
      for (const at::Tensor& s : sizes[0]) longest = std::max(longest, s.item<int64_t>());
      std::string padded(bytes);
      padded.resize(static_cast<size_t>(longest));
      std::vector<at::Tensor> input = {Bytes(padded.data(), padded.size())};
      std::vector<std::vector<at::Tensor>> outputs(1);
      for (std::string& r : result) {
        r.resize(static_cast<size_t>(longest));
        outputs[0].push_back(Bytes(r.data(), r.size()));
      }
      group_->allgather(outputs, input)->wait();
      for (uint32_t r = 0; r < world_size(); ++r) result[r].resize(sizes[0][r].item<int64_t>());
    });
    if (!status.ok()) return status;
    return result;
  }

  absl::Status Broadcast(uint32_t source, std::string* bytes) override {
    return Guard("broadcast", [&] {
      c10d::BroadcastOptions from;
      from.rootRank = static_cast<int>(source);
      std::vector<at::Tensor> size = {at::full({1}, int64_t(bytes->size()), at::kLong)};
      group_->broadcast(size, from)->wait();
      bytes->resize(static_cast<size_t>(size[0].item<int64_t>()));
      if (bytes->empty()) return;
      std::vector<at::Tensor> data = {Bytes(bytes->data(), bytes->size())};
      group_->broadcast(data, from)->wait();
    });
  }

  absl::Status Barrier() override {
    return Guard("barrier", [&] { group_->barrier()->wait(); });
  }

 private:
  const GroupOptions options_;
  c10::intrusive_ptr<c10d::ProcessGroupGloo> group_;
};

absl::StatusOr<c10::intrusive_ptr<c10d::Store>> ConnectStore(const GroupOptions& options) {
  const size_t colon = options.store_address.rfind(':');
  uint32_t port = 0;
  if (colon == std::string::npos ||
      !absl::SimpleAtoi(options.store_address.substr(colon + 1), &port) || port > 65535) {
    return absl::InvalidArgumentError(
        absl::StrCat("store address must be host:port, not \"", options.store_address, "\""));
  }
  c10::intrusive_ptr<c10d::Store> store;
  LIMBECK_RETURN_IF_ERROR(Guard("connect to rendezvous store", [&] {
    c10d::TCPStoreOptions store_options = PlainStoreOptions();
    store_options.port = static_cast<uint16_t>(port);
    store_options.waitWorkers = false;
    store_options.timeout = Timeout(options.timeout);
    store =
        c10::make_intrusive<c10d::TCPStore>(options.store_address.substr(0, colon), store_options);
  }));
  return store;
}

}  // namespace

absl::StatusOr<std::unique_ptr<RendezvousStore>> RendezvousStore::Serve(const std::string& host,
                                                                        absl::Duration timeout) {
  std::unique_ptr<RendezvousStore> result;
  LIMBECK_RETURN_IF_ERROR(Guard("serve rendezvous store", [&] {
    c10d::TCPStoreOptions options = PlainStoreOptions();
    options.port = 0;
    options.isServer = true;
    options.waitWorkers = false;
    options.timeout = Timeout(timeout);
    auto store = c10::make_intrusive<c10d::TCPStore>(host, options);
    const std::string address = absl::StrCat(host, ":", store->getPort());
    result = std::make_unique<C10dStore>(std::move(store), address);
  }));
  return result;
}

absl::StatusOr<std::unique_ptr<ProcessGroup>> JoinGroup(const GroupOptions& options,
                                                        RendezvousStore* store) {
  if (options.world_size == 0 || options.rank >= options.world_size) {
    return absl::InvalidArgumentError(
        absl::StrCat("rank ", options.rank, " of ", options.world_size, " workers"));
  }
  if (options.world_size == 1) return std::make_unique<SingleProcess>();
  c10::intrusive_ptr<c10d::Store> meeting;
  if (store != nullptr) {
    meeting = static_cast<C10dStore*>(store)->store();
  } else {
    LIMBECK_ASSIGN_OR_RETURN(meeting, ConnectStore(options));
  }
  std::unique_ptr<ProcessGroup> group;
  LIMBECK_RETURN_IF_ERROR(
      Guard(absl::StrCat("join group as rank ", options.rank, " of ", options.world_size),
            [&] { group = std::make_unique<GlooGroup>(options, meeting); }));
  return group;
}

}  // namespace limbeck::trainer
