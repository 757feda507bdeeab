// SPDX-License-Identifier: Apache-2.0
//
// A manifest with every channel and a few emotions, made in memory.
#pragma once

#include "engine/src/motion/motion_frame.hpp"
#include "engine/src/plan/manifest.hpp"

namespace talkrt::motion {

inline int rig_index(Channel channel) { return static_cast<int>(channel); }

/// Emotions: 0 neutral, 1 happy (both halves of the face), 2 shouting (opens the mouth).
inline plan::Manifest full_manifest() {
  plan::Manifest manifest;
  manifest.sample_rate = 16000;
  manifest.gaussian.emplace();
  for (const auto name : kChannelNames) manifest.gaussian->channels.emplace_back(name);
  plan::Motion motion;
  motion.step_samples = 320;
  motion.frames_per_step = 2;
  motion.time_offset = -1200;
  plan::Emotion neutral, happy, shouting;
  neutral.name = "neutral";
  happy.name = "happy";
  happy.channels = {{rig_index(Channel::cheekSquintLeft), 0.5f},
                    {rig_index(Channel::mouthSmileLeft), 0.6f},
                    {rig_index(Channel::mouthSmileRight), 0.6f}};
  happy.head_pitch = 4;
  happy.head_motion = 1.5f;
  shouting.name = "shouting";
  shouting.channels = {
      {rig_index(Channel::jawOpen), 0.5f},           {rig_index(Channel::mouthUpperUpLeft), 0.8f},
      {rig_index(Channel::mouthUpperUpRight), 0.8f}, {rig_index(Channel::mouthFunnel), 0.6f},
      {rig_index(Channel::mouthStretchLeft), 0.9f},  {rig_index(Channel::tongueOut), 0.5f},
      {rig_index(Channel::browInnerUp), 0.7f}};
  motion.emotions = {neutral, happy, shouting};
  manifest.motion = motion;
  return manifest;
}

}  // namespace talkrt::motion
