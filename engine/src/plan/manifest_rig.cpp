// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <set>
#include <string>

#include "engine/src/plan/manifest_sections.hpp"

namespace talkrt::plan {
namespace {

constexpr std::size_t kMaxShapes = 4096;
constexpr std::size_t kMaxFactors = 8;
constexpr std::size_t kMaxJoints = 16;
constexpr std::size_t kMaxDrives = 16;
constexpr double kMaxMetres = 1000;

Factor read_factor(const Node& node, const std::vector<std::string>& channels) {
  Factor out;
  out.channel = read_channel(node.at("channel"), channels);
  for (const Node& knot : node.at("knots").items(2, 8)) {
    const auto [value, weight] = knot.numbers<2>(-1000, 1000);
    if (!out.knots.empty() && !(value > out.knots.back().first)) {
      knot.items(2, 2)[0].refuse("more than the knot before it");
    }
    out.knots.emplace_back(value, weight);
  }
  return out;
}

std::vector<Drive> read_drives(const Node& node, const std::vector<std::string>& channels,
                               const std::array<std::string_view, 3>& axes) {
  std::vector<Drive> out;
  for (const Node& item : node.items(0, kMaxDrives)) {
    const Node axis = item.at("axis");
    const auto found = std::find(axes.begin(), axes.end(), axis.text(16));
    if (found == axes.end()) {
      axis.refuse("one of " + std::string(axes[0]) + " " + std::string(axes[1]) + " " + std::string(axes[2]));
    }
    out.push_back({static_cast<int>(found - axes.begin()), read_channel(item.at("channel"), channels),
                   item.at("gain").number(-1000, 1000)});
  }
  return out;
}

std::string read_unique_name(const Node& node, std::set<std::string>& taken) {
  std::string name = node.text(64);
  if (!taken.insert(name).second) node.refuse("a name that is not used yet");
  return name;
}

}  // namespace

std::vector<Shape> read_shapes(const Node& node, const std::vector<std::string>& channels) {
  std::vector<Shape> shapes;
  std::set<std::string> names;
  for (const Node& item : node.items(0, kMaxShapes)) {
    Shape shape;
    shape.name = read_unique_name(item.at("name"), names);
    for (const Node& factor : item.at("factors").items(1, kMaxFactors)) {
      shape.factors.push_back(read_factor(factor, channels));
    }
    shapes.push_back(std::move(shape));
  }
  return shapes;
}

std::vector<Joint> read_joints(const Node& node, const std::vector<std::string>& channels) {
  std::vector<Joint> joints;
  std::set<std::string> names;
  for (const Node& item : node.items(1, kMaxJoints)) {
    Joint joint;
    joint.name = read_unique_name(item.at("name"), names);
    joint.parent =
        static_cast<int>(item.at("parent").integer(-1, static_cast<std::int64_t>(joints.size()) - 1));
    joint.pivot = item.at("pivot").numbers<3>(-kMaxMetres, kMaxMetres);
    joint.rotation = read_drives(item.at("rotation"), channels, {"pitch", "yaw", "roll"});
    joint.translation = read_drives(item.at("translation"), channels, {"x", "y", "z"});
    joints.push_back(std::move(joint));
  }
  return joints;
}

}  // namespace talkrt::plan
