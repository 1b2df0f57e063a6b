#include "tests/bench/constant_stream.h"

#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>

#include <cstdio>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "tests/bench/figure.h"

namespace limbeck::bench {
namespace {

// Writes without end, one write outstanding, until the reader goes.
class ConstantReactor : public grpc::ServerGenericBidiReactor {
 public:
  explicit ConstantReactor(const grpc::ByteBuffer* bytes) : bytes_(bytes) { StartWrite(bytes_); }
  void OnWriteDone(bool ok) override {
    if (ok) {
      StartWrite(bytes_);
    } else {
      Finish(grpc::Status::OK);
    }
  }
  void OnDone() override { delete this; }

 private:
  const grpc::ByteBuffer* const bytes_;
};

class ConstantService : public grpc::CallbackGenericService {
 public:
  ConstantService() {
    const grpc::Slice slice(std::string(kConstantSliceBytes, 'c'));
    bytes_ = grpc::ByteBuffer(&slice, 1);
  }
  grpc::ServerGenericBidiReactor* CreateReactor(grpc::GenericCallbackServerContext*) override {
    return new ConstantReactor(&bytes_);
  }

 private:
  grpc::ByteBuffer bytes_;
};

// Waits for the one operation under way.
bool Next(grpc::CompletionQueue& queue) {
  void* tag = nullptr;
  bool ok = false;
  return queue.Next(&tag, &ok) && ok;
}

}  // namespace

int ServeConstantStream() {
  ConstantService service;
  grpc::ServerBuilder builder;
  int port = 0;
  builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
  builder.RegisterCallbackGenericService(&service);
  const std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
  if (server == nullptr) return 1;
  std::printf("listening on %d\n", port);
  std::fflush(stdout);
  server->Wait();
  return 0;
}

absl::StatusOr<double> ReadConstantStream(int port, size_t bytes) {
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(2 * kConstantSliceBytes);
  grpc::GenericStub stub(grpc::CreateCustomChannel(absl::StrCat("127.0.0.1:", port),
                                                   grpc::InsecureChannelCredentials(), arguments));
  grpc::CompletionQueue queue;
  grpc::ClientContext context;
  const auto stream = stub.PrepareCall(&context, "/limbeck.bench/Constant", &queue);
  stream->StartCall(nullptr);
  if (!Next(queue)) return absl::UnavailableError("the constant stream did not start");
  grpc::ByteBuffer buffer;
  // The first frame comes before the clock starts.
  stream->Read(&buffer, nullptr);
  if (!Next(queue)) return absl::UnavailableError("the constant stream broke");
  const Stopwatch watch;
  size_t read = 0;
  while (read < bytes) {
    stream->Read(&buffer, nullptr);
    if (!Next(queue)) return absl::UnavailableError("the constant stream broke");
    read += buffer.Length();
  }
  const double seconds = watch.Seconds();
  context.TryCancel();
  grpc::Status status;
  stream->Finish(&status, nullptr);
  Next(queue);
  queue.Shutdown();
  while (Next(queue)) {
  }
  return static_cast<double>(read) / seconds;
}

}  // namespace limbeck::bench
