// c10d's headers and what differs in them between LibTorch 1.13 and 2.x.
#pragma once

#ifndef USE_C10D_GLOO
#define USE_C10D_GLOO  // Debian 13's config does not say it.
#endif
#include <torch/csrc/distributed/c10d/ProcessGroupGloo.hpp>
#include <torch/csrc/distributed/c10d/TCPStore.hpp>

#include "trainer/torch_compat.h"

namespace limbeck::trainer {

// Options for a store on plain sockets: 2.x defaults to libuv, which Debian's build lacks.
inline c10d::TCPStoreOptions PlainStoreOptions() {
  c10d::TCPStoreOptions options;
#if LIMBECK_TORCH_AT_LEAST(2, 3)
  options.useLibUV = false;
#endif
  return options;
}

}  // namespace limbeck::trainer
