// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "engine/src/plan/manifest_sections.hpp"
#include "engine/src/plan/vasa1_roles.hpp"

namespace talkrt::plan {
namespace {

constexpr int kSampleRate = 16'000, kFps = 25;
constexpr std::int64_t kKeypoints = 21;                   // composition and controls name them by number
constexpr std::int64_t kMaxSeed = 9'007'199'254'740'992;  // 2^53
constexpr double kMaxGuidance = 20;

/// The index of the word that `node` is.
template <std::size_t N>
std::size_t read_word(const Node& node, const std::array<std::string_view, N>& words) {
  const std::string found = node.text(32);
  std::string known = "one of";
  for (std::size_t i = 0; i < N; ++i) {
    if (found == words[i]) return i;
    known.append(" ").append(words[i]);
  }
  node.refuse(known, TALKRT_ERROR_PLAN_UNSUPPORTED);
}

/// Rates and sizes that follow from the model.
int read_side(const Node& root, const Manifest& manifest) {
  if (manifest.sample_rate != kSampleRate) {
    root.at("audio").at("sample_rate").refuse("16000, in a plan of model \"vasa1\"");
  }
  const Node video = root.at("video");
  if (manifest.fps_num != kFps * manifest.fps_den) {
    video.at("fps").refuse(std::to_string(manifest.fps_num) + "/" + std::to_string(manifest.fps_den),
                           "25/1, in a plan of model \"vasa1\"");
  }
  const auto side = static_cast<int>(video.at("width").integer(128, 2048));
  if (side % 2 != 0) video.at("width").refuse("an even number");
  if (manifest.height != side) video.at("height").refuse(std::to_string(side) + ", the width");
  return side;
}

void read_diffusion(const Node& node, Vasa1Spec& out) {
  read_word<1>(node.at("schedule"), {"cosine"});
  out.steps = static_cast<int>(node.at("steps").integer(1, 1000));
  out.default_steps = static_cast<int>(node.at("default_steps").integer(1, out.steps));
  out.guidance = node.at("guidance").number(0, kMaxGuidance);
}

CheckSampling read_sampling(const Node& node, const Vasa1Spec& spec) {
  CheckSampling out;
  out.seed = node.at("seed").integer(0, kMaxSeed);
  out.steps = static_cast<int>(node.at("steps").integer(1, spec.steps));
  out.eta = node.at("eta").number(0, 1);
  out.guidance = node.at("guidance").number(0, kMaxGuidance);
  return out;
}

}  // namespace

Vasa1Spec read_vasa1(const Node& root, const Manifest& manifest) {
  refuse_if_present(root, {"features", "motion", "gaussian", "avatar"}, manifest.model);
  const Node section = root.at("vasa1");
  Vasa1Spec out;
  out.side = read_side(root, manifest);
  out.keypoints = static_cast<int>(section.at("keypoints").integer(kKeypoints, kKeypoints));
  out.motion = static_cast<int>(section.at("motion").integer(70, 1024));
  out.positions = static_cast<Positions>(read_word<2>(section.at("positions"), {"constant", "per_token"}));
  out.precision = static_cast<Precision>(read_word<2>(section.at("precision"), {"float32", "float16"}));
  const Node window = section.at("window");
  out.frames = static_cast<int>(window.at("frames").integer(1, 1000));
  out.previous = static_cast<int>(window.at("previous").integer(1, out.frames));
  read_diffusion(section.at("diffusion"), out);
  const Node smoothing = section.at("smoothing");
  out.smoothing = smoothing.number(0, 1);
  if (!(out.smoothing > 0)) smoothing.refuse("a number above 0, at most 1");
  out.multiplier = section.at("multiplier").number(0, 4);
  out.stitching = section.at("stitching").boolean();
  out.graphs = read_roles(section.at("graphs"), out, manifest.graphs);
  if (const auto check = root.find("check")) {
    const Node width = check->at("width"), height = check->at("height");
    for (const Node& size : {width, height}) {
      if (size.integer(1, 8192) != out.side) size.refuse(std::to_string(out.side) + ", the frame's side");
    }
    out.check = read_sampling(check->at("sampling"), out);
  }
  return out;
}

}  // namespace talkrt::plan
