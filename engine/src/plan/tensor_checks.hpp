// SPDX-License-Identifier: Apache-2.0
//
// What a validated manifest demands of the tensors: presence, dtype, shape and values. Each function
// throws PLAN_CORRUPT naming the tensor and, for values, the first element that is wrong.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string_view>

#include "engine/src/plan/manifest.hpp"
#include "engine/src/plan/safetensors_reader.hpp"

namespace talkrt::plan {

/// Index of the first element that is NaN or infinite; reads unaligned data at memory speed.
std::optional<std::size_t> first_non_finite(DType dtype, std::span<const std::byte> bytes);

/// Every F16 and F32 tensor holds only finite numbers.
void check_finite(const TensorMap& tensors, std::string_view label);
/// Graphs, weights and initial states belong together.
void check_graph_tensors(const Manifest& manifest, const TensorMap& tensors, std::string_view label);
/// Engines are what the manifest says they are, and all of them are in it.
void check_engine_tensors(const Manifest& manifest, const TensorMap& tensors, std::string_view label);
/// means, quats, scales, opacities, sh, layers, background.
void check_gaussian_tensors(const Manifest& manifest, const TensorMap& tensors, std::string_view label);
/// basis and joint_weights.
void check_rig_tensors(const Gaussian& gaussian, const TensorMap& tensors, std::string_view label);
/// Of model `avatar`: networks, track, pictures, and no tensor that it has no use for.
void check_avatar_tensors(const Manifest& manifest, const TensorMap& tensors, std::string_view label);
/// Its check clip's features, where there is a check clip.
void check_avatar_clip(const Manifest& manifest, const TensorMap& tensors, std::string_view label);
/// The template, the first window's motion, the check clip's portrait.
void check_vasa1_tensors(const Manifest& manifest, const TensorMap& tensors, std::string_view label);
void check_clip_tensors(const Manifest& manifest, const TensorMap& tensors, std::string_view label);

}  // namespace talkrt::plan
