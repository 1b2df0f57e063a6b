#include "trainer/checkpoints/safetensors.h"

#include <gtest/gtest.h>

#include "base/hash.h"

namespace limbeck::trainer {
namespace {

std::string File(std::string header, std::string_view data) {
  const uint64_t length = header.size();
  return std::string(reinterpret_cast<const char*>(&length), 8) + header + std::string(data);
}

std::string Error(const std::string& file) {
  const auto decoded = DecodeSafetensors(file);
  EXPECT_EQ(decoded.status().code(), absl::StatusCode::kDataLoss) << decoded.status();
  return std::string(decoded.status().message());
}

TEST(SafetensorsTest, ReadsBackWhatItWrote) {
  const std::vector<float> a = {1, 2, 3, 4, 5, 6};
  const std::vector<float> b = {-0.5F};
  const std::vector<TensorView> views = {{"a", {2, 3}, a}, {"b", {1}, b}, {"none", {0, 4}, {}}};
  const std::string file = EncodeSafetensors(views, {{"step", "7"}});
  const auto decoded = DecodeSafetensors(file);
  ASSERT_TRUE(decoded.ok()) << decoded.status();
  EXPECT_EQ(decoded->tensors.at("a").values, a);
  EXPECT_EQ(decoded->tensors.at("a").shape, (std::vector<int64_t>{2, 3}));
  EXPECT_EQ(decoded->tensors.at("b").values, b);
  EXPECT_TRUE(decoded->tensors.at("none").values.empty());
  EXPECT_EQ(decoded->metadata.at("step"), "7");
}

TEST(SafetensorsTest, WritesTheFormatToTheByte) {
  const std::vector<float> one = {1.0F};
  const std::vector<TensorView> views = {{"w", {1}, one}};
  std::string header = R"({"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})";
  header.resize((header.size() + 7) / 8 * 8, ' ');
  EXPECT_EQ(EncodeSafetensors(views, {}), File(header, std::string("\0\0\x80\x3f", 4)));
}

TEST(SafetensorsTest, RefusesHeadersThatLie) {
  EXPECT_NE(Error("short").find("shorter"), std::string::npos);
  EXPECT_NE(
      Error(File("{}", "").replace(0, 8, "\xff\xff\xff\xff\xff\xff\xff\xff", 8)).find("limit"),
      std::string::npos);
  EXPECT_NE(Error(File("nonsense", "")).find("JSON"), std::string::npos);
  EXPECT_NE(Error(File(std::string(100000, '['), "")).find("JSON"), std::string::npos);
  EXPECT_NE(Error(File("[]", "")).find("object"), std::string::npos);
}

TEST(SafetensorsTest, RefusesOverlapsAndHoles) {
  const std::string data(8, '\0');
  const std::string two = R"(,"b":{"dtype":"F32","shape":[1],"data_offsets":)";
  const std::string a = R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]})";
  EXPECT_TRUE(DecodeSafetensors(File(a + two + "[4,8]}}", data)).ok());
  EXPECT_NE(Error(File(a + two + "[0,4]}}", data)).find("overlap"), std::string::npos);
  EXPECT_NE(Error(File(a + two + "[2,6]}}", data)).find("overlap"), std::string::npos);
  EXPECT_NE(Error(File(a + "}", data)).find("end"), std::string::npos);
  EXPECT_NE(
      Error(File(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}})", data)).find("holes"),
      std::string::npos);
  EXPECT_NE(Error(File(a + two + "[4,12]}}", data)).find("end"), std::string::npos);
}

TEST(SafetensorsTest, RefusesShapesThatDoNotFit) {
  const auto with_shape = [](std::string shape) {
    return File(R"({"a":{"dtype":"F32","shape":)" + shape + R"(,"data_offsets":[0,8]}})",
                std::string(8, '\0'));
  };
  EXPECT_TRUE(DecodeSafetensors(with_shape("[2]")).ok());
  Error(with_shape("[3]"));
  Error(with_shape("[-2]"));
  Error(with_shape("[4611686018427387904,4]"));
  Error(with_shape("[18446744073709551615,18446744073709551615,2]"));
  Error(with_shape("\"2\""));
  Error(with_shape("[2.0]"));
}

TEST(SafetensorsTest, RefusesOtherTypes) {
  Error(File(R"({"a":{"dtype":"F16","shape":[2],"data_offsets":[0,4]}})", std::string(4, '\0')));
  Error(File(R"({"a":7})", ""));
}

TEST(SafetensorsTest, AnyFlippedHeaderByteIsRefusedOrHarmless) {
  const std::vector<float> a = {1, 2, 3, 4};
  const std::string file = EncodeSafetensors(std::vector<TensorView>{{"a", {2, 2}, a}}, {});
  StableRandom random(1, 1);
  for (int i = 0; i < 2000; ++i) {
    std::string damaged = file;
    damaged[random.Below(damaged.size())] = static_cast<char>(random.Below(256));
    const auto decoded = DecodeSafetensors(damaged);
    EXPECT_TRUE(decoded.ok() || absl::IsDataLoss(decoded.status())) << decoded.status();
  }
}

}  // namespace
}  // namespace limbeck::trainer
