// zlib (zlib.net/manual.html) and libzstd (facebook.github.io/zstd/zstd_manual.html) behind
// Decoder.
#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <limits>
#include <memory>

#include "absl/strings/str_cat.h"
#include "gateway/templates/rows/compressed_file.h"

namespace limbeck::gateway {
namespace {

// Window bits of inflateInit2: the largest window, and a gzip header is expected.
constexpr int kGzipWindowBits = 15 + 16;

class GzipDecoder final : public Decoder {
 public:
  GzipDecoder() : started_(inflateInit2(&stream_, kGzipWindowBits) == Z_OK) {}
  ~GzipDecoder() override {
    if (started_) inflateEnd(&stream_);
  }

  absl::StatusOr<Step> Run(const char* in, size_t in_size, char* out, size_t out_size) override {
    if (!started_) return absl::ResourceExhaustedError("no memory to decompress gzip");
    Step step;
    // Behind the last member the gzip program ignores zeros: tapes are padded with them.
    if (between_members_) {
      while (members_ > 0 && step.taken < in_size && in[step.taken] == '\0') ++step.taken;
      if (step.taken == in_size) return step;
      between_members_ = false;
    }
    constexpr size_t kMost = std::numeric_limits<uInt>::max();
    const auto offered = static_cast<uInt>(std::min(in_size - step.taken, kMost));
    const auto room = static_cast<uInt>(std::min(out_size, kMost));
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(in + step.taken));
    stream_.avail_in = offered;
    stream_.next_out = reinterpret_cast<Bytef*>(out);
    stream_.avail_out = room;
    const int result = inflate(&stream_, Z_NO_FLUSH);
    step.taken += offered - stream_.avail_in;
    step.given = room - stream_.avail_out;
    if (result == Z_STREAM_END) {
      ++members_;
      between_members_ = true;
      inflateReset(&stream_);
    } else if (result != Z_OK && result != Z_BUF_ERROR) {
      return absl::DataLossError(absl::StrCat(
          "the gzip data is damaged: ", stream_.msg != nullptr ? stream_.msg : "unknown fault"));
    }
    return step;
  }

  bool complete() const override { return between_members_; }

  void Reset() override {
    if (started_) inflateReset(&stream_);
    between_members_ = true;
    members_ = 0;
  }

 private:
  z_stream stream_ = {};
  const bool started_;
  bool between_members_ = true;
  uint64_t members_ = 0;
};

class ZstdDecoder final : public Decoder {
 public:
  explicit ZstdDecoder(const DecompressionLimits& limits) : context_(ZSTD_createDCtx()) {
    if (context_ == nullptr) return;
    ZSTD_DCtx_setParameter(context_.get(), ZSTD_d_windowLogMax, limits.max_zstd_window_log);
  }

  absl::StatusOr<Step> Run(const char* in, size_t in_size, char* out, size_t out_size) override {
    if (context_ == nullptr) return absl::ResourceExhaustedError("no memory to decompress zstd");
    ZSTD_inBuffer input = {in, in_size, 0};
    ZSTD_outBuffer output = {out, out_size, 0};
    const size_t hint = ZSTD_decompressStream(context_.get(), &output, &input);
    if (ZSTD_isError(hint) != 0) {
      return absl::DataLossError(
          absl::StrCat("the zstd data cannot be read: ", ZSTD_getErrorName(hint)));
    }
    // Without input the hint is about the next frame's header and says nothing of this one.
    if (input.pos > 0 || output.pos > 0) complete_ = hint == 0;
    return Step{input.pos, output.pos};
  }

  bool complete() const override { return complete_; }

  void Reset() override {
    if (context_ != nullptr) ZSTD_DCtx_reset(context_.get(), ZSTD_reset_session_only);
    complete_ = true;
  }

 private:
  struct Free {
    void operator()(ZSTD_DCtx* context) const { ZSTD_freeDCtx(context); }
  };
  const std::unique_ptr<ZSTD_DCtx, Free> context_;
  bool complete_ = true;
};

}  // namespace

std::unique_ptr<Decoder> Decoder::Create(Compression compression,
                                         const DecompressionLimits& limits) {
  if (compression == Compression::kGzip) return std::make_unique<GzipDecoder>();
  return std::make_unique<ZstdDecoder>(limits);
}

}  // namespace limbeck::gateway
