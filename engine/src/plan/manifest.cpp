// SPDX-License-Identifier: Apache-2.0
#include "engine/src/plan/manifest.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <nlohmann/json.hpp>
#include <utility>

#include "engine/src/plan/manifest_sections.hpp"
#include "engine/src/plan/message.hpp"

namespace talkrt::plan {
namespace {

constexpr std::int64_t kFormatVersion = 1;
constexpr std::array<std::string_view, 6> kModels{"gaussian", "scene", "avatar", "vasa1", "emo", "musetalk"};
constexpr std::int64_t kMaxBudget = 1'125'899'906'842'624;  // 2^50
constexpr std::int64_t kMaxSeed = 9'007'199'254'740'992;    // 2^53

std::uint64_t read_budget(const Node& budget, const char* key) {
  const auto node = budget.find(key);
  return node ? static_cast<std::uint64_t>(node->integer(0, kMaxBudget)) : 0;
}

/// What every model has.
void read_head(const Node& root, Manifest& manifest) {
  if (const Node format = root.at("format"); format.text(64) != "talkrt.plan")
    format.refuse("\"talkrt.plan\"");
  const Node version = root.at("format_version");
  if (version.integer(0, INT64_MAX) != kFormatVersion) {
    version.refuse("1, the version that this library reads", TALKRT_ERROR_PLAN_UNSUPPORTED);
  }
  const Node model = root.at("model");
  manifest.model = model.text(64);
  if (std::find(kModels.begin(), kModels.end(), manifest.model) == kModels.end()) {
    model.refuse("one of gaussian scene avatar vasa1 emo musetalk", TALKRT_ERROR_PLAN_UNSUPPORTED);
  }
  manifest.name = root.at("name").text(64);
  if (const auto licence = root.find("licence")) manifest.licence = licence->text(255);
  if (const auto created_by = root.find("created_by")) manifest.created_by = created_by->text(255);

  if (const auto untrained = root.find("untrained")) {
    manifest.untrained_seed = untrained->at("seed").integer(0, kMaxSeed);
  }

  if (!manifest.is_scene()) {
    manifest.sample_rate = static_cast<int>(root.at("audio").at("sample_rate").integer(8'000, 48'000));
  }
  const Node video = root.at("video");
  manifest.width = static_cast<int>(video.at("width").integer(1, 8192));
  manifest.height = static_cast<int>(video.at("height").integer(1, 8192));
  read_fps(video.at("fps"), manifest.fps_num, manifest.fps_den);
  if (const auto budget = root.find("budget")) {
    manifest.host_budget = read_budget(*budget, "host_bytes");
    manifest.device_budget = read_budget(*budget, "device_bytes");
  }
}

}  // namespace

void read_fps(const Node& node, int& numerator, int& denominator) {
  const auto parts = node.items(2, 2);
  const std::int64_t num = parts[0].integer(1, 1'000'000);
  const std::int64_t den = parts[1].integer(1, 1'000'000);
  if (num < den || num > 240 * den) {
    node.refuse(std::to_string(num) + "/" + std::to_string(den), "a rate of 1 to 240");
  }
  numerator = static_cast<int>(num);
  denominator = static_cast<int>(den);
}

void refuse_if_present(const Node& node, std::initializer_list<const char*> keys, std::string_view model) {
  for (const char* key : keys) {
    if (const auto section = node.find(key)) {
      section->refuse("present", "none in a plan of model " + in_quotes(model));
    }
  }
}

LogMel read_features(const Node& node, int sample_rate) {
  if (const Node kind = node.at("kind"); kind.text(64) != "log_mel") {
    kind.refuse("\"log_mel\"", TALKRT_ERROR_PLAN_UNSUPPORTED);
  }
  LogMel out;
  const Node fft_size = node.at("fft_size");
  out.fft_size = static_cast<int>(fft_size.integer(16, 8192));
  if (!std::has_single_bit(static_cast<unsigned>(out.fft_size))) fft_size.refuse("a power of two");
  out.window = static_cast<int>(node.at("window").integer(2, out.fft_size));
  out.hop = static_cast<int>(node.at("hop").integer(1, out.window));
  out.mels = static_cast<int>(node.at("mels").integer(1, 256));
  const double nyquist = sample_rate / 2.0;
  out.f_min = node.at("f_min").number(0, nyquist);
  const Node f_max = node.at("f_max");
  out.f_max = f_max.number(0, nyquist);
  if (out.f_max <= out.f_min) f_max.refuse("more than f_min");
  out.floor = node.at("floor").number(1e-30, 1);
  return out;
}

Check read_check(const Node& node) {
  Check out;
  for (const Node& frame : node.at("frames").items(1, 1000)) {
    const std::int64_t least = out.frames.empty() ? 0 : out.frames.back() + 1;  // ascending
    out.frames.push_back(frame.integer(least, 1'000'000));
  }
  read_fps(node.at("fps"), out.fps_num, out.fps_den);
  out.width = static_cast<int>(node.at("width").integer(1, 8192));
  out.height = static_cast<int>(node.at("height").integer(1, 8192));
  out.min_psnr_db = node.at("min_psnr_db").number(0, 200);
  return out;
}

Manifest read_manifest(const nlohmann::json& json, std::string_view label) {
  const Node root(json, label, "");
  Manifest manifest;
  read_head(root, manifest);
  if (manifest.is_scene()) {
    manifest.gaussian = read_scene(root);
    if (const auto check = root.find("check")) manifest.check = read_scene_check(*check);
    return manifest;
  }
  const Node graphs = root.at("graphs");
  manifest.graphs = in_running_order(read_graphs(graphs), graphs);
  if (const auto engines = root.find("engines")) manifest.engines = read_engines(*engines, manifest);
  if (const auto check = root.find("check")) manifest.check = read_check(*check);
  if (manifest.model == "gaussian") {
    manifest.features = read_features(root.at("features"), manifest.sample_rate);
    manifest.gaussian = read_gaussian(root.at("gaussian"));
    manifest.motion = read_motion(root.at("motion"), manifest);
  } else if (manifest.is_avatar()) {
    refuse_if_present(root, {"motion"}, manifest.model);
    manifest.rows = read_rows(root.at("features"), manifest);
    manifest.gaussian = read_moved(root.at("gaussian"));
    manifest.avatar = read_avatar(root, manifest);
  } else if (manifest.model == "vasa1") {
    manifest.vasa1 = read_vasa1(root, manifest);
  } else if (const auto features = root.find("features")) {
    manifest.features = read_features(*features, manifest.sample_rate);
  }
  return manifest;
}

}  // namespace talkrt::plan
