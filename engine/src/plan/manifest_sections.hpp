// SPDX-License-Identifier: Apache-2.0
//
// One function a section of the manifest. Each validates its section and what it says about sections read
// before it; tensors are tensor_checks.hpp's. All throw PLAN_CORRUPT or PLAN_UNSUPPORTED.
#pragma once

#include <initializer_list>
#include <nlohmann/json_fwd.hpp>
#include <string_view>
#include <vector>

#include "engine/src/plan/camera_rules.hpp"
#include "engine/src/plan/manifest.hpp"
#include "engine/src/plan/node.hpp"

namespace talkrt::plan {

Manifest read_manifest(const nlohmann::json& json, std::string_view label);

/// A key that belongs to another model is a mistake.
void refuse_if_present(const Node& node, std::initializer_list<const char*> keys, std::string_view model);
/// `fps`: a rational of 1 to 240.
void read_fps(const Node& node, int& numerator, int& denominator);
LogMel read_features(const Node& node, int sample_rate);
std::vector<GraphSpec> read_graphs(const Node& node);
/// Whether inputs may come from what this names, so that no graph may be called so.
bool is_source(std::string_view name);
/// Resolves every `from`, and sorts so that no graph precedes one that it reads.
std::vector<GraphSpec> in_running_order(std::vector<GraphSpec> graphs, const Node& node);
/// `manifest` has its graphs.
std::vector<EngineSpec> read_engines(const Node& node, const Manifest& manifest);
Gaussian read_gaussian(const Node& node);
/// The sections of a plan of model `avatar`. `manifest` has its graphs, and what stands above.
RowFeatures read_rows(const Node& node, const Manifest& manifest);
EncoderSpec read_encoder(const Node& node, const RowFeatures& rows, const Manifest& manifest);
Gaussian read_moved(const Node& node);
AvatarSpec read_avatar(const Node& root, const Manifest& manifest);
std::vector<Deform> read_deforms(const Node& node, const Manifest& manifest);
/// The section of a plan of model `vasa1`, and of its check clip. `manifest` has its graphs.
Vasa1Spec read_vasa1(const Node& root, const Manifest& manifest);
/// The same section of a plan of model `scene`, and its check clip. `root` is the manifest.
Gaussian read_scene(const Node& root);
Check read_scene_check(const Node& node);

/// What both kinds of Gaussian plans say: count, degree, camera, background, how to look at it.
Gaussian read_cloud(const Node& node, float reach);
Camera read_camera(const Node& node, float reach);
View read_view(const Node& node, float reach);
std::vector<Shape> read_shapes(const Node& node, const std::vector<std::string>& channels);
std::vector<Joint> read_joints(const Node& node, const std::vector<std::string>& channels);
/// Index of the channel that `node` names among `channels`.
int read_channel(const Node& node, const std::vector<std::string>& channels);
/// `manifest` has its sample rate, features, graphs and gaussian.
Motion read_motion(const Node& node, const Manifest& manifest);
std::vector<Emotion> read_emotions(const Node& node, const std::vector<std::string>& channels);
Check read_check(const Node& node);

}  // namespace talkrt::plan
