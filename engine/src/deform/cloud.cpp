// SPDX-License-Identifier: Apache-2.0
#include "engine/src/deform/cloud.hpp"

#include <array>
#include <cstring>

namespace talkrt::deform {
namespace {

using gaussian::kBlock;

/// Values [N, channels] of a plan into blocks [blocks, channels, 16].
void to_blocks(const plan::TensorView& tensor, int count, int channels, std::span<float> out) {
  const auto n = static_cast<std::size_t>(count), width = static_cast<std::size_t>(channels);
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t c = 0; c < width; ++c) {
      std::memcpy(&out[(i / kBlock * width + c) * kBlock + i % kBlock],
                  tensor.bytes.data() + (i * width + c) * sizeof(float), sizeof(float));
    }
  }
}

/// R(quat) diag(scale), row-major.
std::array<float, 9> frame_of(const std::array<float, 4>& q, const std::array<float, 3>& scale) {
  const float w = q[0], x = q[1], y = q[2], z = q[3];
  const std::array<float, 9> rotation{
      1 - 2 * (y * y + z * z), 2 * (x * y - w * z),     2 * (x * z + w * y),
      2 * (x * y + w * z),     1 - 2 * (x * x + z * z), 2 * (y * z - w * x),
      2 * (x * z - w * y),     2 * (y * z + w * x),     1 - 2 * (x * x + y * y)};
  std::array<float, 9> frame{};
  for (std::size_t i = 0; i < 9; ++i) frame[i] = rotation[i] * scale[i % 3];
  return frame;
}

template <std::size_t N>
std::array<float, N> row(const plan::TensorView& tensor, std::size_t index) {
  std::array<float, N> out{};
  std::memcpy(out.data(), tensor.bytes.data() + index * sizeof out, sizeof out);
  return out;
}

std::size_t lanes_of(const plan::Gaussian& spec) {
  return static_cast<std::size_t>(gaussian::blocks_of(spec.count)) * kBlock;
}

}  // namespace

std::uint64_t Cloud::bytes(const plan::Plan& plan) {
  const plan::Gaussian& spec = *plan.manifest().gaussian;
  const auto bases = static_cast<std::size_t>(gaussian::sh_bases(spec.sh_degree));
  const std::size_t layer = plan.find("gaussian/layers") != nullptr ? 1 : 0;
  return lanes_of(spec) * ((3 + 1 + 9 + 3 * bases) * sizeof(float) + layer);
}

Cloud::Cloud(const plan::Plan& plan, device::Budget& budget) {
  const plan::Gaussian& spec = *plan.manifest().gaussian;
  const std::int64_t n = spec.count, bases = gaussian::sh_bases(spec.sh_degree);
  const auto require = [&](const char* name,
                           std::initializer_list<std::int64_t> shape) -> const plan::TensorView& {
    return plan.require(name, plan::DType::f32, {shape.begin(), shape.size()});
  };
  const std::size_t lanes = lanes_of(spec);
  // A large scene should not be in memory twice: a tensor's pages go once it is copied.
  const auto packed = [&](const char* what, const plan::TensorView& tensor, std::int64_t channels) {
    device::Buffer out(budget, what, lanes * static_cast<std::size_t>(channels) * sizeof(float));
    to_blocks(tensor, spec.count, static_cast<int>(channels), out.as<float>());
    plan.forget(tensor);
    return out;
  };
  means_ = packed("splats: means", require("gaussian/means", {n, 3}), 3);
  opacities_ = packed("splats: opacities", require("gaussian/opacities", {n}), 1);
  sh_ = packed("splats: colours", require("gaussian/sh", {n, bases, 3}), 3 * bases);

  const plan::TensorView &quats = require("gaussian/quats", {n, 4}),
                         &scales = require("gaussian/scales", {n, 3});
  frames_ = device::Buffer(budget, "splats: frames", lanes * 9 * sizeof(float));
  const auto frames = frames_.as<float>();
  for (std::size_t i = 0; i < static_cast<std::size_t>(n); ++i) {
    const auto frame = frame_of(row<4>(quats, i), row<3>(scales, i));
    for (std::size_t c = 0; c < 9; ++c) frames[(i / kBlock * 9 + c) * kBlock + i % kBlock] = frame[c];
  }
  plan.forget(quats);
  plan.forget(scales);
  splats_ = {spec.count,
             spec.sh_degree,
             means_.as<float>().data(),
             frames.data(),
             opacities_.as<float>().data(),
             sh_.as<float>().data(),
             nullptr};
  if (plan.find("gaussian/layers") != nullptr) {
    const auto& tensor = plan.require("gaussian/layers", plan::DType::u8, std::array{n});
    layers_ = device::Buffer(budget, "splats: layers", lanes);
    std::memcpy(layers_.data(), tensor.bytes.data(), tensor.bytes.size());
    splats_.layers = layers_.as<std::uint8_t>().data();
  }
}

}  // namespace talkrt::deform
