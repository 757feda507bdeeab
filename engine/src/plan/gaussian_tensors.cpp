// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <cmath>
#include <string>

#include "engine/src/plan/camera_rules.hpp"
#include "engine/src/plan/message.hpp"
#include "engine/src/plan/tensor_checks.hpp"
#include "engine/src/plan/typed_reads.hpp"

namespace talkrt::plan {
namespace {

constexpr float kLargestColor = 1000;  // display units: far beyond any light, far from overflow
constexpr float kUnitTolerance = 1e-3f;
constexpr std::int64_t kMaxPicture = 8192;

using Dims = std::initializer_list<std::int64_t>;

std::span<const std::int64_t> span_of(Dims dims) { return {dims.begin(), dims.size()}; }

[[noreturn]] void refuse_element(std::string_view label, std::string_view name, std::size_t index,
                                 const std::string& found, std::string_view expected) {
  refuse(label, "tensor " + std::string(name) + "[" + std::to_string(index) + "]", found, expected);
}

/// An F32 tensor whose every element lies in [least, most].
void check_range(const TensorMap& tensors, std::string_view label, std::string_view name, Dims dims,
                 float least, float most, std::string_view expected) {
  const TensorView& tensor = require_tensor(tensors, label, name, DType::f32, span_of(dims));
  const std::size_t count = tensor.bytes.size() / sizeof(float);
  for (std::size_t i = 0; i < count; ++i) {
    const auto value = element<float>(tensor, i);
    if (!(value >= least && value <= most)) refuse_element(label, name, i, described(value), expected);
  }
}

void check_quats(const TensorMap& tensors, std::string_view label, std::int64_t count) {
  const Dims dims{count, 4};
  const TensorView& quats = require_tensor(tensors, label, "gaussian/quats", DType::f32, span_of(dims));
  for (std::size_t i = 0; i < static_cast<std::size_t>(count); ++i) {
    float sum = 0;
    for (std::size_t c = 0; c < 4; ++c) {
      const auto q = element<float>(quats, 4 * i + c);
      sum += q * q;
    }
    const float length = std::sqrt(sum);
    if (!(std::abs(length - 1) <= kUnitTolerance)) {
      refuse_element(label, "gaussian/quats", i, "of length " + described(length), "unit length");
    }
  }
}

void check_layers(const TensorMap& tensors, std::string_view label, std::int64_t count) {
  if (!tensors.contains("gaussian/layers")) return;
  const Dims dims{count};
  const TensorView& layers = require_tensor(tensors, label, "gaussian/layers", DType::u8, span_of(dims));
  for (std::size_t i = 0; i < layers.bytes.size(); ++i) {
    const int layer = std::to_integer<int>(layers.bytes[i]);
    if (layer > 1) refuse_element(label, "gaussian/layers", i, std::to_string(layer), "0 or 1");
  }
}

void check_background(const TensorMap& tensors, std::string_view label) {
  if (!tensors.contains("gaussian/background")) return;
  const Dims dims{-1, -1, 3};
  const TensorView& picture = require_tensor(tensors, label, "gaussian/background", DType::u8, span_of(dims));
  for (const std::int64_t side : {picture.shape[0], picture.shape[1]}) {
    if (side < 1 || side > kMaxPicture) {
      refuse(label, "tensor gaussian/background", described(picture.dtype, picture.shape),
             "sides of 1 to 8192 pixels");
    }
  }
}

/// A scene stands still and has one layer: what an avatar has beside its Gaussians is a mistake there.
void refuse_other_tensors(const TensorMap& tensors, std::string_view label) {
  constexpr std::array<std::string_view, 6> kKnown{"means",     "quats", "scales",
                                                   "opacities", "sh",    "background"};
  constexpr std::string_view kPrefix = "gaussian/";
  for (const auto& [name, tensor] : tensors) {
    if (!name.starts_with(kPrefix)) continue;
    const std::string_view rest = std::string_view(name).substr(kPrefix.size());
    if (std::find(kKnown.begin(), kKnown.end(), rest) == kKnown.end()) {
      refuse(label, "tensor " + name, "present", "none of that name in a plan of model \"scene\"");
    }
  }
}

}  // namespace

void check_gaussian_tensors(const Manifest& manifest, const TensorMap& tensors, std::string_view label) {
  const Gaussian& gaussian = *manifest.gaussian;
  const float reach = manifest.is_scene() ? kSceneReach : kHeadReach;
  const std::string within = "at most " + described(reach) + " in magnitude";
  const std::int64_t count = gaussian.count;
  const std::int64_t bases = (gaussian.sh_degree + 1) * (gaussian.sh_degree + 1);
  check_range(tensors, label, "gaussian/means", {count, 3}, -reach, reach, within);
  check_quats(tensors, label, count);
  check_range(tensors, label, "gaussian/scales", {count, 3}, 0, reach, "0 to " + described(reach));
  check_range(tensors, label, "gaussian/opacities", {count}, 0, 1, "an opacity of 0 to 1");
  check_range(tensors, label, "gaussian/sh", {count, bases, 3}, -kLargestColor, kLargestColor,
              "a coefficient within 1000");
  if (manifest.is_scene()) {
    refuse_other_tensors(tensors, label);
  } else {
    check_layers(tensors, label, count);
  }
  check_background(tensors, label);
}

}  // namespace talkrt::plan
