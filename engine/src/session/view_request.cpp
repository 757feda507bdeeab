// SPDX-License-Identifier: Apache-2.0
#include "engine/src/session/view_request.hpp"

#include <algorithm>
#include <cmath>
#include <span>
#include <string>
#include <talkrt/error.hpp>

#include "engine/src/plan/camera_rules.hpp"
#include "engine/src/plan/message.hpp"

namespace talkrt::session {
namespace {

constexpr std::int32_t kMaxSide = 8192;  // pixels

[[noreturn]] void refuse(const std::string& field, const std::string& found, const std::string& expected) {
  throw Error(TALKRT_ERROR_INVALID_ARGUMENT, field + " is " + found + ", expected " + expected);
}

void check_side(const char* field, std::int32_t value) {
  if (value < 1 || value > kMaxSide) {
    refuse(field, std::to_string(value), "1 to " + std::to_string(kMaxSide) + " pixels");
  }
}

void check_numbers(const std::string& field, std::span<const float> values, float most) {
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (std::abs(values[i]) <= most) continue;  // NaN is not
    refuse(field + "[" + std::to_string(i) + "]", plan::described(values[i]),
           "at most " + plan::described(most) + " in magnitude");
  }
}

void check(const std::string& field, const std::optional<plan::CameraFault>& fault) {
  if (fault) refuse(field, std::string(fault->found), std::string(fault->expected));
}

}  // namespace

int side_of(const char* field, std::int32_t value, int of_plan) {
  if (value == 0) return of_plan;
  check_side(field, value);
  return value;
}

gaussian::Camera checked_camera(const talkrt_camera& camera) {
  check_side("camera.width", camera.width);
  check_side("camera.height", camera.height);
  check_numbers("camera.viewmat", camera.viewmat, plan::kSceneReach);
  check("camera.viewmat", plan::fault_of_viewmat(camera.viewmat));
  check_numbers("camera.K", camera.K, plan::kLargestFocus);
  check("camera.K", plan::fault_of_intrinsics(camera.K));
  gaussian::Camera out;
  out.width = camera.width;
  out.height = camera.height;
  std::copy_n(camera.viewmat, 16, out.viewmat);
  std::copy_n(camera.K, 9, out.K);
  return out;
}

gaussian::Target checked_target(const talkrt_view& view, const talkrt_camera& camera) {
  if (view.rgba8 == nullptr && view.rgba == nullptr && view.depth == nullptr) {
    refuse("view", "without outputs", "rgba8, rgba or depth to draw into");
  }
  const std::int64_t least = std::int64_t{4} * camera.width;
  if (view.rgba8 != nullptr && view.rgba8_stride < least) {
    refuse("view.rgba8_stride", std::to_string(view.rgba8_stride),
           "at least 4 * width = " + std::to_string(least));
  }
  return {view.rgba8, view.rgba8_stride, view.rgba, view.depth};
}

}  // namespace talkrt::session
