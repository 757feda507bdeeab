// SPDX-License-Identifier: Apache-2.0
//
// What the rest of the face wants to know about speech: is it going on, did a phrase begin, was that a
// stressed syllable, how long has it been quiet. Read off the network's energy, row by row.
#pragma once

#include "engine/src/motion/curves.hpp"

namespace talkrt::motion {

class SpeechActivity {
 public:
  void step(double energy, double dt) {
    const bool was_quiet = quiet_ > kPause;
    const bool loud = energy > kLoud;
    level_.step(loud ? 1.0 : 0.0, dt);
    quiet_ = loud ? 0.0 : quiet_ + dt;
    since_accent_ += dt;
    onset_ = loud && was_quiet;
    const double rise = energy - slow_.step(energy, dt);
    accent_ = loud && rise > kRise && since_accent_ > kAccentGap;
    if (accent_) since_accent_ = 0;
  }

  [[nodiscard]] double talking() const { return level_.value(); }  // 0 to 1, slow
  [[nodiscard]] double quiet_seconds() const { return quiet_; }
  [[nodiscard]] bool onset() const { return onset_; }
  [[nodiscard]] bool accent() const { return accent_; }
  /// How likely a blink is, against its mean rate: they gather where a pause begins.
  [[nodiscard]] double blink_hazard() const {
    if (quiet_ == 0.0) return 0.5;
    return quiet_ > 0.15 && quiet_ < 0.35 ? 4.0 : 1.0;
  }

 private:
  static constexpr double kLoud = 0.15;       // of the network's energy, 0 to 1
  static constexpr double kPause = 0.35;      // seconds: shorter gaps belong to the phrase
  static constexpr double kRise = 0.15;       // above the running mean, where a syllable is stressed
  static constexpr double kAccentGap = 0.45;  // seconds

  Follower level_{0.06, 0.25}, slow_{0.4, 0.4};
  double quiet_ = 10, since_accent_ = 10;
  bool onset_ = false, accent_ = false;
};

}  // namespace talkrt::motion
