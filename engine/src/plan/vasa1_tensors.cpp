// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <cmath>
#include <string>

#include "engine/src/plan/message.hpp"
#include "engine/src/plan/tensor_checks.hpp"
#include "engine/src/plan/typed_reads.hpp"

namespace talkrt::plan {
namespace {

constexpr float kLargest = 1e6f;  // far beyond any motion, far from overflow
constexpr std::int64_t kPose = 7;

void require_numbers(const TensorMap& tensors, std::string_view label, const std::string& name,
                     std::span<const std::int64_t> shape) {
  const TensorView& tensor = require_tensor(tensors, label, name, DType::f32, shape);
  for (std::size_t i = 0; i < tensor.bytes.size() / sizeof(float); ++i) {
    const auto value = element<float>(tensor, i);
    if (!(std::abs(value) <= kLargest)) {
      refuse(label, "tensor " + name + "[" + std::to_string(i) + "]", described(value),
             "at most " + described(kLargest) + " in magnitude");
    }
  }
}

}  // namespace

void check_vasa1_tensors(const Manifest& manifest, const TensorMap& tensors, std::string_view label) {
  constexpr std::array<std::string_view, 5> kNames{"vasa1/start_motion", "vasa1/mean_exp", "vasa1/std_exp",
                                                   "vasa1/min_pose", "vasa1/max_pose"};
  const Vasa1Spec& spec = *manifest.vasa1;
  const std::array<std::int64_t, 3> start{1, spec.previous, spec.motion};
  const std::array<std::int64_t, 1> expression{std::int64_t{3} * spec.keypoints}, pose{kPose};
  require_numbers(tensors, label, std::string(kNames[0]), start);
  for (const std::size_t i : {1u, 2u}) require_numbers(tensors, label, std::string(kNames[i]), expression);
  for (const std::size_t i : {3u, 4u}) require_numbers(tensors, label, std::string(kNames[i]), pose);
  for (const auto& [name, tensor] : tensors) {
    if (name.starts_with("vasa1/") && std::find(kNames.begin(), kNames.end(), name) == kNames.end()) {
      refuse(label, "tensor " + name, "present", "none of that name in a plan of model \"vasa1\"");
    }
  }
  if (!manifest.check) return;
  const std::array<std::int64_t, 3> portrait{spec.side, spec.side, 3};
  require_tensor(tensors, label, "check/portrait", DType::u8, portrait);
}

}  // namespace talkrt::plan
