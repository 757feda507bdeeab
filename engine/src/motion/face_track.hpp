// SPDX-License-Identifier: Apache-2.0
//
// Generated motion over time: rows of normalised numbers become faces, the pose follows smoothly, and a frame
// at any time lies between two rows.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "engine/src/motion/keypoints.hpp"

namespace talkrt::motion {

/// The training set's statistics, by which motion was normalised. Pose: scale, t (3), pitch, yaw, roll.
struct MotionTemplate {
  std::span<const float> mean_expression, std_expression;  // [63]
  std::span<const float> min_pose, max_pose;               // [7]
};

class FaceTrack {
 public:
  /// `smoothing` is the share of each new pose, above 0 to 1. Holds up to `capacity` rows that are not shown.
  FaceTrack(const MotionTemplate& statistics, float smoothing, std::size_t capacity);

  /// The next row, as the motion network makes it.
  void push(std::span<const float> normalised);
  [[nodiscard]] std::int64_t end_row() const noexcept { return end_; }

  /// The face at a stream position, which may only grow. Rows up to the one at or after it were pushed.
  /// `passed` is called once for each row that is reached.
  template <class F>
  FaceMotion at(std::int64_t position, F&& passed) {
    for (std::int64_t row = reach(position); row > 0; --row) passed();
    return between(position);
  }
  /// How far `position` lies from the row before it to the one after, 0 to 1; 1 on a row.
  [[nodiscard]] static float share(std::int64_t position);

  /// The first row that was ever pushed.
  [[nodiscard]] const FaceMotion& first() const noexcept { return first_; }
  /// Rows that were pushed and not reached.
  [[nodiscard]] int unshown() const noexcept { return static_cast<int>(end_ - 1 - reached_); }
  /// Drops rows that were not reached; the next one pushed is `row`. For 100 ms from `position` on the face
  /// passes from where it was to what the new rows say.
  void restart(std::int64_t row, std::int64_t position);

 private:
  /// Moves to the row at or after `position` and returns how many rows that passed.
  std::int64_t reach(std::int64_t position);
  [[nodiscard]] FaceMotion between(std::int64_t position);
  [[nodiscard]] FaceMotion& slot(std::int64_t row) {
    return rows_[static_cast<std::size_t>(row) % rows_.size()];
  }

  MotionTemplate statistics_;
  float smoothing_;
  std::vector<FaceMotion> rows_;  // ring; row i is at i mod size
  FaceMotion first_, shown_, left_;
  std::int64_t end_ = 0, reached_ = -1;  // rows pushed; last row reached
  std::int64_t first_since_restart_ = 0;
  std::int64_t return_from_ = -1;  // position of the last restart
  bool any_ = false, any_shown_ = false;
};

}  // namespace talkrt::motion
