// SPDX-License-Identifier: Apache-2.0
#include "engine/src/motion/face_sliders.hpp"

#include <span>
#include <utility>

namespace talkrt::motion {
namespace {

struct Pull {
  int keypoint, axis;  // 0 x, 1 y, 2 z
  float per_unit;
};

constexpr int kX = 0, kY = 1, kZ = 2;

// Ranges that look natural: blink -20 to 5, brow -10 to 15, smile -0.3 to 1.3, wink 0 to 25, open -30 to 120,
// stretch and round -20 to 15.
constexpr Pull kBlink[] = {{11, kY, -.001f}, {13, kY, .0003f}, {15, kY, -.001f}, {16, kY, .0003f}};
constexpr Pull kBrowUp[] = {{1, kY, .001f}, {2, kY, -.001f}};
constexpr Pull kBrowDown[] = {{1, kX, -.001f}, {2, kX, .001f}, {1, kY, .0003f}, {2, kY, -.0003f}};
constexpr Pull kSmile[] = {{20, kY, -.01f},    {14, kY, -.02f},    {17, kY, .0065f}, {17, kZ, .003f},
                           {13, kY, -.00275f}, {16, kY, -.00275f}, {3, kY, -.0035f}, {7, kY, -.0035f}};
constexpr Pull kWink[] = {
    {11, kY, .001f}, {13, kY, -.0003f}, {17, kX, .0003f}, {17, kY, .0003f}, {3, kY, -.0003f}};
constexpr Pull kOpen[] = {{19, kY, .001f}, {19, kZ, .0001f}, {17, kY, -.0001f}};
constexpr Pull kStretch[] = {{20, kZ, -.001f}, {20, kY, -.001f}, {14, kY, -.001f}};
constexpr Pull kRound[] = {{14, kY, .001f}, {3, kY, -.0005f}, {7, kY, -.0005f}, {17, kZ, -.0005f}};
constexpr Pull kLookLeft[] = {{11, kX, .0007f}, {15, kX, .001f}};   // towards the own left
constexpr Pull kLookRight[] = {{11, kX, .001f}, {15, kX, .0007f}};  // the nearer eye turns less
constexpr Pull kLookUp[] = {{11, kY, -.001f}, {15, kY, -.001f}};

// Slider units that turn the eyes by a degree: what keeps the gaze still while the head turns by one.
constexpr float kYawPerDegree = 0.26f, kPitchPerDegree = 0.28f;
constexpr float kLidsWithGaze = -0.5f;  // units of blink per unit of looking up: lids follow the eyes
constexpr float kClosed = -20;          // units of blink

struct Preset {
  Slider slider;
  float value;
};
constexpr Preset kHappy[] = {{Slider::smile, 0.9f}, {Slider::blink, -2}, {Slider::brow, 2}};
constexpr Preset kSad[] = {{Slider::smile, -0.3f}, {Slider::brow, 5}, {Slider::blink, -4}};
constexpr Preset kAngry[] = {{Slider::brow, -10}, {Slider::smile, -0.2f}, {Slider::blink, -3}};
constexpr Preset kSurprised[] = {{Slider::brow, 15}, {Slider::blink, 5}, {Slider::open, 25}};
constexpr Preset kFearful[] = {{Slider::brow, 10}, {Slider::blink, 4}, {Slider::stretch, 8}};
constexpr Preset kDisgusted[] = {
    {Slider::brow, -6}, {Slider::blink, -5}, {Slider::stretch, 6}, {Slider::smile, -0.1f}};
constexpr Preset kContempt[] = {{Slider::wink, 8}, {Slider::smile, 0.3f}};
constexpr std::array<std::span<const Preset>, kEmotions.size()> kPresets{
    std::span<const Preset>(), kHappy, kSad, kAngry, kSurprised, kFearful, kDisgusted, kContempt};

void add(std::span<const Pull> pulls, float value, Keypoints& expression) {
  for (const Pull& pull : pulls) {
    expression[std::size_t{3} * static_cast<std::size_t>(pull.keypoint) +
               static_cast<std::size_t>(pull.axis)] += pull.per_unit * value;
  }
}

}  // namespace

void slide(Slider slider, float value, Keypoints& expression) {
  switch (slider) {
    case Slider::blink:
      return add(kBlink, value, expression);
    case Slider::brow:
      return value > 0 ? add(kBrowUp, value, expression) : add(kBrowDown, value, expression);
    case Slider::smile:
      return add(kSmile, value, expression);
    case Slider::wink:
      return add(kWink, value, expression);
    case Slider::open:
      return add(kOpen, value, expression);
    case Slider::stretch:
      return add(kStretch, value, expression);
    case Slider::round:
      return add(kRound, value, expression);
  }
}

void look(float yaw, float pitch, Keypoints& expression) {
  const float side = kYawPerDegree * yaw, up = -kPitchPerDegree * pitch;
  if (side > 0)
    add(kLookLeft, side, expression);
  else
    add(kLookRight, side, expression);
  add(kLookUp, up, expression);
  slide(Slider::blink, kLidsWithGaze * up, expression);
}

void close_lids(float amount, Keypoints& expression) { slide(Slider::blink, kClosed * amount, expression); }

Keypoints emotion_offset(std::size_t emotion) {
  Keypoints out{};
  for (const Preset& preset : kPresets[emotion]) slide(preset.slider, preset.value, out);
  return out;
}

}  // namespace talkrt::motion
