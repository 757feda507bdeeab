// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <string>

#include "engine/src/plan/manifest_sections.hpp"
#include "engine/src/plan/message.hpp"
#include "engine/src/plan/plan.hpp"

namespace talkrt::plan {
namespace {

constexpr std::int64_t kMaxTrack = 16'384;
constexpr std::int64_t kMaxPicture = 8192;

Composite read_composite_kind(const Node& node) {
  const std::string kind = node.text(64);
  if (kind == "layered") return Composite::layered;
  if (kind == "single") return Composite::single;
  node.refuse("one of layered single", TALKRT_ERROR_PLAN_UNSUPPORTED);
}

void read_composite(const Node& node, AvatarSpec& out) {
  out.composite = read_composite_kind(node.at("kind"));
  const auto dilate = node.find("dilate");
  out.dilate = dilate && dilate->boolean();
  if (out.dilate && out.composite != Composite::layered) {
    dilate->refuse("false, for a composite of one layer");
  }
}

void read_track(const Node& node, AvatarSpec& out) {
  out.track_frames = static_cast<int>(node.at("frames").integer(1, kMaxTrack));
  const auto torso = node.find("torso");
  if (!torso) return;
  const auto corner = torso->items(2, 2);
  for (std::size_t i = 0; i < 2; ++i) {
    out.torso[i] = static_cast<int>(corner[i].integer(0, kMaxPicture - 1));
  }
}

/// What a graph of every frame may read: the rows, what the track plays under the input's name, other graphs.
void check_input(const Port& port, const std::string& graph, const Manifest& manifest, const Node& graphs,
                 std::vector<std::string>& played) {
  const std::string what = "for input " + graph + "." + port.name;
  if (port.from == "controls")
    graphs.refuse("\"controls\" " + what, "features, pipeline or a graph's output");
  if (port.from != "features" && port.from != "pipeline") return;
  const std::string found = described(port.dtype, port.shape) + " " + what;
  if (port.from == "features") {
    const RowFeatures& rows = *manifest.rows;
    const std::array<std::int64_t, 3> window{rows.window(), rows.channels, rows.row_width};
    if (port.dtype != DType::f32 ||
        !std::equal(port.shape.begin(), port.shape.end(), window.begin(), window.end())) {
      graphs.refuse(found, described(DType::f32, window) + ", a window of features");
    }
    return;
  }
  if (port.dtype != DType::f32 || port.shape.empty() || port.shape[0] != 1) {
    graphs.refuse(found, "F32 [1, ...], a row of the track");
  }
  if (std::find(played.begin(), played.end(), port.name) == played.end()) played.push_back(port.name);
}

}  // namespace

RowFeatures read_rows(const Node& node, const Manifest& manifest) {
  if (const Node kind = node.at("kind"); kind.text(64) != "rows") {
    kind.refuse("\"rows\", in a plan of model \"avatar\"", TALKRT_ERROR_PLAN_UNSUPPORTED);
  }
  RowFeatures out;
  out.extractor = node.at("extractor").text(64);
  out.channels = static_cast<int>(node.at("channels").integer(1, 4096));
  out.row_width = static_cast<int>(node.at("row_width").integer(1, 64));
  out.before = static_cast<int>(node.at("before").integer(0, 64));
  const Node after = node.at("after");
  out.after = static_cast<int>(after.integer(0, 64));
  if (out.window() == 0) after.refuse("at least one row, before or after");
  if (const auto encoder = node.find("encoder")) out.encoder = read_encoder(*encoder, out, manifest);
  return out;
}

AvatarSpec read_avatar(const Node& root, const Manifest& manifest) {
  const Node section = root.at("avatar");
  AvatarSpec out;
  if (const auto origin = section.find("origin")) out.origin = origin->text(64);
  out.deforms = read_deforms(section.at("deform"), manifest);
  read_track(section.at("track"), out);
  read_composite(section.at("composite"), out);
  if (const auto orbit = section.find("orbit_degrees")) out.orbit_degrees = orbit->number(0, 90);
  for (const GraphSpec& graph : manifest.graphs) {
    if (graph.runs != Runs::frame) continue;
    for (const Port& port : graph.inputs) {
      check_input(port, graph.name, manifest, root.at("graphs"), out.played);
    }
  }
  return out;
}

}  // namespace talkrt::plan
