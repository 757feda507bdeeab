// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <string>

#include "engine/src/plan/channels.hpp"
#include "engine/src/plan/manifest_sections.hpp"

namespace talkrt::plan {
namespace {

constexpr std::int64_t kMaxCount = 16'777'216;  // 2^24
constexpr float kRigidTolerance = 1e-3f;

/// World to camera, both in metres: a rotation and a translation, nothing else.
std::array<float, 16> read_viewmat(const Node& node) {
  const auto m = node.numbers<16>(-1000, 1000);
  if (m[12] != 0 || m[13] != 0 || m[14] != 0 || m[15] != 1) {
    node.refuse("a matrix with another last row", "0 0 0 1 as last row: row-major [4, 4]");
  }
  for (std::size_t a = 0; a < 3; ++a) {
    for (std::size_t b = a; b < 3; ++b) {
      const float dot = m[4 * a] * m[4 * b] + m[4 * a + 1] * m[4 * b + 1] + m[4 * a + 2] * m[4 * b + 2];
      if (!(std::abs(dot - (a == b ? 1.0f : 0.0f)) <= kRigidTolerance)) {
        node.refuse("not rigid", "orthonormal rows: a rotation, then a translation in metres");
      }
    }
  }
  const float determinant = m[0] * (m[5] * m[10] - m[6] * m[9]) - m[1] * (m[4] * m[10] - m[6] * m[8]) +
                            m[2] * (m[4] * m[9] - m[5] * m[8]);
  if (!(determinant > 0)) node.refuse("a mirror image", "a rotation with determinant 1");
  return m;
}

std::array<float, 9> read_intrinsics(const Node& node) {
  const auto K = node.numbers<9>(-1e6, 1e6);
  if (K[1] != 0 || K[3] != 0 || K[6] != 0 || K[7] != 0 || K[8] != 1) {
    node.refuse("not a pinhole camera without skew", "[fx, 0, cx, 0, fy, cy, 0, 0, 1]");
  }
  if (!(K[0] > 0) || !(K[4] > 0))
    node.refuse("a camera with fx or fy not above 0", "focal lengths in pixels");
  return K;
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

Gaussian read_gaussian(const Node& node) {
  Gaussian out;
  out.count = static_cast<int>(node.at("count").integer(1, kMaxCount));
  out.sh_degree = static_cast<int>(node.at("sh_degree").integer(0, 3));
  out.antialias = node.at("antialias").boolean();
  const Node camera = node.at("camera");
  out.viewmat = read_viewmat(camera.at("viewmat"));
  out.K = read_intrinsics(camera.at("K"));
  out.background = node.at("background").numbers<3>(0, 1);
  out.channels = read_channels(node.at("channels"));
  out.shapes = read_shapes(node.at("shapes"), out.channels);
  out.joints = read_joints(node.at("joints"), out.channels);
  return out;
}

}  // namespace talkrt::plan
