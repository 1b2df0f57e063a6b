// The suite that every driver passes. A driver's test defines nothing but an instantiation:
//
//   INSTANTIATE_TEST_SUITE_P(Memory, EngineConformanceTest, testing::Values(MemoryFactory()),
//                            EngineFactoryName);
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/file.h"
#include "base/kv/engine.h"
#include "base/kv/open.h"

namespace limbeck::kv {

struct EngineFactory {
  std::string name;
  std::function<absl::StatusOr<std::unique_ptr<Engine>>(const OpenOptions&)> open;
  // Whether data outlives the engine object.
  bool persists = false;
};

std::string EngineFactoryName(const testing::TestParamInfo<EngineFactory>& info);

class EngineConformanceTest : public testing::TestWithParam<EngineFactory> {
 protected:
  using Pairs = std::vector<std::pair<std::string, std::string>>;

  // Opens tables "a" and "b" in a fresh folder with a batch limit of kMaxBatchBytes.
  void SetUp() override;

  static constexpr size_t kMaxBatchBytes = 1u << 20;

  OpenOptions Options() const;
  void Reopen();
  void Put(std::string_view table, std::string_view key, std::string_view value);
  void Delete(std::string_view table, std::string_view key);
  // "(none)" where the key is absent.
  static std::string Get(const Reader& reader, std::string_view table, std::string_view key);
  static Pairs Scan(const Reader& reader, std::string_view table, std::string_view begin = "",
                    std::string_view end = "");

  ScopedTempDirectory dir_;
  std::unique_ptr<Engine> engine_;
};

}  // namespace limbeck::kv
