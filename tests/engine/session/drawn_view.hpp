// SPDX-License-Identifier: Apache-2.0
//
// What a session draws for a camera, with all outputs.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "engine/src/render/camera.hpp"
#include "engine/src/session/session.hpp"

namespace talkrt::session {

inline const std::string kTinyScene = TALKRT_TEST_DATA "/tiny_scene.plan";

inline talkrt_camera plan_camera(const Model& model, int width = 0, int height = 0) {
  const plan::Manifest& manifest = model.manifest();
  const gaussian::Camera scaled = render::scaled_camera(manifest, width == 0 ? manifest.width : width,
                                                        height == 0 ? manifest.height : height);
  talkrt_camera out{};
  out.width = scaled.width;
  out.height = scaled.height;
  std::copy_n(scaled.viewmat, 16, out.viewmat);
  std::copy_n(scaled.K, 9, out.K);
  return out;
}

struct Drawn {
  std::vector<std::uint8_t> rgba8;
  std::vector<float> rgba, depth;
  talkrt_view view{};
  bool operator==(const Drawn& other) const {
    return rgba8 == other.rgba8 && rgba == other.rgba && depth == other.depth;
  }
};

inline Drawn drawn(Session& session, const talkrt_camera& camera) {
  const std::size_t pixels = static_cast<std::size_t>(camera.width) * static_cast<std::size_t>(camera.height);
  Drawn out{
      std::vector<std::uint8_t>(4 * pixels), std::vector<float>(4 * pixels), std::vector<float>(pixels), {}};
  out.view.rgba8 = out.rgba8.data();
  out.view.rgba8_stride = std::int64_t{4} * camera.width;
  out.view.rgba = out.rgba.data();
  out.view.depth = out.depth.data();
  session.draw(camera, out.view);
  return out;
}

}  // namespace talkrt::session
