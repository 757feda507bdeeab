// SPDX-License-Identifier: Apache-2.0

#include "engine/src/plan/manifest_sections.hpp"

namespace talkrt::plan {
namespace {

constexpr std::size_t kMaxCheckCameras = 64;

}  // namespace

Gaussian read_scene(const Node& root) {
  refuse_if_present(root, {"audio", "graphs", "features", "motion"}, "scene");
  const Node section = root.at("gaussian");
  refuse_if_present(section, {"channels", "shapes", "joints"}, "scene");
  Gaussian out = read_cloud(section, kSceneReach);
  out.view = read_view(section.at("view"), kSceneReach);  // must be there: nobody else knows which way is up
  return out;
}

Check read_scene_check(const Node& node) {
  refuse_if_present(node, {"frames", "fps"}, "scene");
  Check out;
  for (const Node& camera : node.at("cameras").items(1, kMaxCheckCameras)) {
    out.cameras.push_back(read_camera(camera, kSceneReach));
  }
  out.width = static_cast<int>(node.at("width").integer(1, 8192));
  out.height = static_cast<int>(node.at("height").integer(1, 8192));
  out.min_psnr_db = node.at("min_psnr_db").number(0, 200);
  return out;
}

}  // namespace talkrt::plan
