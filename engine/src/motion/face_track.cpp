// SPDX-License-Identifier: Apache-2.0
#include "engine/src/motion/face_track.hpp"

#include <algorithm>
#include <cassert>
#include <cmath>

#include "engine/src/motion/curves.hpp"
#include "engine/src/motion/motion_windows.hpp"

namespace talkrt::motion {
namespace {

constexpr std::int64_t kReturn = 1600;  // samples: 100 ms

template <class F>
void for_pose(FaceMotion& face, F&& function) {
  function(face.scale, 0);
  for (std::size_t i = 0; i < 3; ++i) function(face.translation[i], 1 + i);
  for (std::size_t i = 0; i < 3; ++i) function(face.angles[i], 4 + i);
}

/// (1 - share) a + share b; exactly b at 1.
FaceMotion mixed(const FaceMotion& a, const FaceMotion& b, float share) {
  if (share == 1.0f) return b;
  const auto mix = [share](float from, float to) { return (1 - share) * from + share * to; };
  FaceMotion out;
  for (std::size_t i = 0; i < out.expression.size(); ++i) {
    out.expression[i] = mix(a.expression[i], b.expression[i]);
  }
  out.scale = mix(a.scale, b.scale);
  for (std::size_t i = 0; i < 3; ++i) {
    out.translation[i] = mix(a.translation[i], b.translation[i]);
    out.angles[i] = mix(a.angles[i], b.angles[i]);
  }
  return out;
}

}  // namespace

FaceTrack::FaceTrack(const MotionTemplate& statistics, float smoothing, std::size_t capacity)
    : statistics_(statistics), smoothing_(smoothing), rows_(capacity + 2) {}

void FaceTrack::push(std::span<const float> v) {
  FaceMotion face;
  const std::size_t width = face.expression.size();
  for (std::size_t i = 0; i < width; ++i) {
    face.expression[i] = v[i] * statistics_.std_expression[i] + statistics_.mean_expression[i];
  }
  for_pose(face, [&](float& value, std::size_t i) {
    const float low = statistics_.min_pose[i];
    value = v[width + i] * (statistics_.max_pose[i] - low) + low;
  });
  // What came before, even if speech was cut off since: a head does not jump.
  const FaceMotion before = !any_                                        ? face
                            : end_ == first_since_restart_ && any_shown_ ? shown_
                                                                         : slot(end_ - 1);
  std::array<float, 7> pose{};
  FaceMotion copy = before;
  for_pose(copy, [&](float& value, std::size_t i) { pose[i] = value; });
  for_pose(face,
           [&](float& value, std::size_t i) { value = smoothing_ * value + (1 - smoothing_) * pose[i]; });
  if (!any_) first_ = face;
  any_ = true;
  slot(end_++) = face;
  assert(unshown() <= static_cast<int>(rows_.size()) - 1);
}

float FaceTrack::share(std::int64_t position) {
  const std::int64_t rest = position % kRowSamples;
  return rest == 0 ? 1.0f : static_cast<float>(rest) / static_cast<float>(kRowSamples);
}

std::int64_t FaceTrack::reach(std::int64_t position) {
  const std::int64_t row = (position + kRowSamples - 1) / kRowSamples;
  assert(row < end_);
  const std::int64_t passed = std::max<std::int64_t>(row - reached_, 0);
  reached_ = std::max(reached_, row);
  return passed;
}

FaceMotion FaceTrack::between(std::int64_t position) {
  const FaceMotion& after = slot(reached_);
  FaceMotion face =
      reached_ > first_since_restart_ ? mixed(slot(reached_ - 1), after, share(position)) : after;
  if (return_from_ >= 0 && position < return_from_ + kReturn) {
    const double done = static_cast<double>(position - return_from_) / kReturn;
    face = mixed(left_, face, static_cast<float>(half_cosine(done)));
  }
  shown_ = face;
  any_shown_ = true;
  return face;
}

void FaceTrack::restart(std::int64_t row, std::int64_t position) {
  end_ = first_since_restart_ = row;
  reached_ = row - 1;
  if (!any_shown_) {
    any_ = false;
    return;
  }
  left_ = shown_;
  return_from_ = position;
}

}  // namespace talkrt::motion
