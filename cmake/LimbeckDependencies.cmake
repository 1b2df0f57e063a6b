# Every third-party library, found once. Folders name the targets; the confinement rules
# (RocksDB only under base/kv/rocksdb, Torch only under trainer, …) are tools/check_includes.py's.

# Debian 13's gRPC asks pkg-config for RE2, which walks all of Abseil (20 s); a ready target
# avoids that.
if(NOT TARGET re2::re2)
  find_library(RE2_LIB re2)
  if(RE2_LIB)
    add_library(re2::re2 UNKNOWN IMPORTED)
    set_target_properties(re2::re2 PROPERTIES IMPORTED_LOCATION ${RE2_LIB})
  endif()
endif()

find_package(Threads REQUIRED)
find_package(OpenSSL REQUIRED)
find_package(Protobuf REQUIRED)
find_package(absl REQUIRED CONFIG)
find_package(gRPC REQUIRED CONFIG)
find_package(RocksDB REQUIRED CONFIG)
find_package(CURL REQUIRED)
find_package(simdjson REQUIRED CONFIG)
find_package(nlohmann_json REQUIRED CONFIG)
find_package(prometheus-cpp REQUIRED CONFIG)
find_package(yaml-cpp REQUIRED CONFIG)
find_package(PkgConfig REQUIRED)
pkg_check_modules(LIBPQ REQUIRED IMPORTED_TARGET libpq)
find_package(ZLIB REQUIRED)
pkg_check_modules(ZSTD REQUIRED IMPORTED_TARGET libzstd)
pkg_check_modules(XXHASH REQUIRED IMPORTED_TARGET libxxhash)
if(LIMBECK_BUILD_TESTS)
  find_package(GTest REQUIRED CONFIG)
  find_package(benchmark REQUIRED CONFIG)
endif()
