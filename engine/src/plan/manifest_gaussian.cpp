// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <string>

#include "engine/src/plan/channels.hpp"
#include "engine/src/plan/manifest_sections.hpp"

namespace talkrt::plan {
namespace {

constexpr std::int64_t kMaxCount = 16'777'216;  // 2^24

Convention read_convention(const Node& node) {
  const std::string name = node.text(64);
  if (name == "gsplat") return Convention::gsplat;
  if (name == "inria") return Convention::inria;
  node.refuse("one of gsplat inria", TALKRT_ERROR_PLAN_UNSUPPORTED);
}

std::vector<std::string> read_channels(const Node& node) {
  std::vector<std::string> channels;
  for (const Node& item : node.items(0, 256)) {
    std::string name = item.text(64);
    if (!is_channel(name)) {
      item.refuse("an ARKit coefficient or a pose channel of format version 1",
                  TALKRT_ERROR_PLAN_UNSUPPORTED);
    }
    if (std::find(channels.begin(), channels.end(), name) != channels.end()) {
      item.refuse("a channel that is not listed yet");
    }
    channels.push_back(std::move(name));
  }
  return channels;
}

}  // namespace

int read_channel(const Node& node, const std::vector<std::string>& channels) {
  const auto found = std::find(channels.begin(), channels.end(), node.text(64));
  if (found == channels.end()) node.refuse("a channel that gaussian.channels lists");
  return static_cast<int>(found - channels.begin());
}

Gaussian read_cloud(const Node& node, float reach) {
  Gaussian out;
  out.count = static_cast<int>(node.at("count").integer(1, kMaxCount));
  out.sh_degree = static_cast<int>(node.at("sh_degree").integer(0, 3));
  out.antialias = node.at("antialias").boolean();
  if (const auto convention = node.find("convention")) out.convention = read_convention(*convention);
  out.camera = read_camera(node.at("camera"), reach);
  if (const auto view = node.find("view")) out.view = read_view(*view, reach);
  out.background = node.at("background").numbers<3>(0, 1);
  return out;
}

Gaussian read_moved(const Node& node) {
  refuse_if_present(node, {"channels", "shapes", "joints"}, "avatar");
  return read_cloud(node, kHeadReach);
}

Gaussian read_gaussian(const Node& node) {
  Gaussian out = read_cloud(node, kHeadReach);
  out.channels = read_channels(node.at("channels"));
  out.shapes = read_shapes(node.at("shapes"), out.channels);
  out.joints = read_joints(node.at("joints"), out.channels);
  return out;
}

}  // namespace talkrt::plan
