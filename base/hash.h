// Hashes and counter-based randomness. All functions are pure and thread-safe.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace limbeck {

// 32 raw bytes (OpenSSL).
std::string Sha256(std::string_view data);
// 64 lower-case hexadecimal digits.
std::string Sha256Hex(std::string_view data);
// HMAC-SHA-256 (RFC 2104), 32 raw bytes.
std::string HmacSha256(std::string_view key, std::string_view data);
// XXH3, 64 bits (xxhash.com); for checksums and placement, not for security.
uint64_t Xxh3(std::string_view data, uint64_t seed = 0);
// Lower-case hexadecimal.
std::string HexEncode(std::string_view bytes);
// The bytes behind pairs of hexadecimal digits of either case, up to the first that is none.
std::string HexDecode(std::string_view digits);

// `size` bytes from the operating system's generator.
std::string RandomBytes(size_t size);

// A random stream that is a pure function of (seed, stream): SplitMix64 over a mixed start. Equal
// inputs give equal draws on every machine, which the noise, order and split contracts need.
class StableRandom {
 public:
  StableRandom(uint64_t seed, uint64_t stream);

  uint64_t Next();
  // Uniform in [0, 1), 53 bits.
  double Uniform();
  // Uniform in [0, bound); `bound` > 0. Unbiased (Lemire's rejection).
  uint64_t Below(uint64_t bound);

 private:
  uint64_t state_;
};

// Streaming XXH3 for data in pieces: the value of Xxh3 over all of them.
class Xxh3Stream {
 public:
  Xxh3Stream();
  ~Xxh3Stream();
  Xxh3Stream(const Xxh3Stream&) = delete;
  Xxh3Stream& operator=(const Xxh3Stream&) = delete;

  void Update(std::string_view data);
  // Of everything so far.
  uint64_t Value() const;

 private:
  void* state_;
};

// Streaming SHA-256 for data that is not in memory at once.
class Sha256Stream {
 public:
  Sha256Stream();
  ~Sha256Stream();
  Sha256Stream(const Sha256Stream&) = delete;
  Sha256Stream& operator=(const Sha256Stream&) = delete;

  void Update(std::string_view data);
  // 32 raw bytes; the stream may not be used afterwards.
  std::string Finish();

 private:
  void* context_;
};

}  // namespace limbeck
