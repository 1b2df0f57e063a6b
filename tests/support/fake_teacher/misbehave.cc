#include "tests/support/fake_teacher/misbehave.h"

#include <zlib.h>

#include <algorithm>
#include <string>

namespace limbeck::testing {
namespace {

constexpr const char* kRefusalText = "I'm sorry, but I can't help with that.";
constexpr const char* kGarbageText = "%%% lorem ipsum %%%";
constexpr uint64_t kMiB = 1 << 20;
constexpr int kGzipWindow = 15 + 16;  // 16 asks zlib for gzip's header.

Ending EndingOf(FaultKind kind) {
  switch (kind) {
    case FaultKind::kResetBefore:
      return Ending::kResetBefore;
    case FaultKind::kResetMid:
      return Ending::kResetMid;
    case FaultKind::kCloseMid:
      return Ending::kCloseMid;
    case FaultKind::kHoldMid:
      return Ending::kHoldMid;
    case FaultKind::kHang:
      return Ending::kHang;
    default:
      return Ending::kWhole;
  }
}

// `bytes` blanks, compressed a thousandfold.
std::string Bomb(uint64_t bytes) {
  z_stream stream{};
  std::string out;
  if (deflateInit2(&stream, Z_BEST_COMPRESSION, Z_DEFLATED, kGzipWindow, 8, Z_DEFAULT_STRATEGY) !=
      Z_OK) {
    return out;
  }
  std::string blanks(kMiB, ' ');
  std::string piece(kMiB, '\0');
  int state = Z_OK;
  while (state != Z_STREAM_END) {
    const uint64_t next = std::min(bytes, kMiB);
    bytes -= next;
    stream.next_in = reinterpret_cast<Bytef*>(blanks.data());
    stream.avail_in = static_cast<uInt>(next);
    do {
      stream.next_out = reinterpret_cast<Bytef*>(piece.data());
      stream.avail_out = static_cast<uInt>(piece.size());
      state = deflate(&stream, bytes == 0 ? Z_FINISH : Z_NO_FLUSH);
      out.append(piece, 0, piece.size() - stream.avail_out);
    } while (stream.avail_out == 0);
  }
  deflateEnd(&stream);
  return out;
}

}  // namespace

std::optional<WireError> RefusalOf(const Fault& fault) {
  WireError error;
  error.message = "scripted";
  error.wait = fault.retry_after;
  switch (fault.kind) {
    case FaultKind::kRateLimited:
      error.kind = WireErrorKind::kRateLimited;
      return error;
    case FaultKind::kBilling:
      error.kind = WireErrorKind::kBilling;
      return error;
    case FaultKind::kBadKey:
      error.kind = WireErrorKind::kBadKey;
      return error;
    case FaultKind::kStatus:
      error.status = fault.status;
      error.kind = fault.status == 429   ? WireErrorKind::kRateLimited
                   : fault.status >= 500 ? WireErrorKind::kServer
                                         : WireErrorKind::kInvalid;
      return error;
    default:
      return std::nullopt;
  }
}

void Falsify(const Fault& fault, Reply* reply) {
  switch (fault.kind) {
    case FaultKind::kMissingLogprobs:
      reply->logprobs = false;
      break;
    case FaultKind::kRefusal:
      reply->refused = true;
      reply->text = kRefusalText;
      break;
    case FaultKind::kGarbage:
      reply->text = kGarbageText;
      reply->logprobs = false;
      break;
    case FaultKind::kWrongModel:
      reply->model = "another-model";
      break;
    case FaultKind::kWrongUsage:
      reply->output_tokens = static_cast<int64_t>(fault.bytes);
      break;
    default:
      break;
  }
}

void Damage(const Fault& fault, HttpReply* reply) {
  reply->ending = EndingOf(fault.kind);
  reply->cut_at = fault.cut_at;
  reply->chunked = fault.chunked;
  switch (fault.kind) {
    case FaultKind::kTruncatedJson:
      reply->body.resize(reply->body.size() / 2);
      break;
    case FaultKind::kMalformedJson:
      reply->body = "<html>upstream says hello</html>";
      break;
    case FaultKind::kBody:
      reply->body = fault.body;
      reply->headers.insert(reply->headers.end(), fault.headers.begin(), fault.headers.end());
      break;
    case FaultKind::kTrickle:
      reply->byte_interval = fault.interval;
      break;
    case FaultKind::kHugeBody:
      reply->body.assign(std::min(fault.bytes, kMiB), ' ');
      reply->body_repeats = std::max<uint64_t>(fault.bytes / kMiB, 1);
      break;
    case FaultKind::kGzipBomb:
      reply->body = Bomb(fault.bytes);
      reply->headers.emplace_back("Content-Encoding", "gzip");
      break;
    default:
      break;
  }
}

}  // namespace limbeck::testing
