#include "cache/snapshots/pack_store.h"

namespace limbeck::cache {

bool IsPackName(std::string_view name) {
  return name.size() == 64 && name.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

}  // namespace limbeck::cache
