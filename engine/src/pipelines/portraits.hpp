// SPDX-License-Identifier: Apache-2.0
//
// Portraits as networks see them: made once from a crop, shared by all sessions that show the same one.
#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "engine/src/device/budget.hpp"
#include "engine/src/motion/keypoints.hpp"
#include "engine/src/nn/graph.hpp"

namespace talkrt::pipelines {

/// What the graphs that run once per portrait made. Immutable.
struct Portrait {
  struct Output {
    std::string name;
    device::Buffer values;  // where who reads it computes
  };

  motion::SourceFace face;
  std::vector<Output> appearance;
  nn::RunTimes motion_times, appearance_times;
  std::uint64_t hash = 0;
  device::Buffer crop;  // RGB8, by which it is found again
};

class Portraits {
 public:
  struct Graphs {
    const nn::Graph& motion;
    const nn::Graph& appearance;
    std::vector<std::string> outputs;  // of appearance
    const device::CudaDevice* reader;  // that reads these; null: the CPU
  };
  /// Sides are `side` pixels, twice what the networks see. All must outlive this.
  Portraits(const Graphs& graphs, int side, device::Budget& budget)
      : graphs_(graphs), side_(side), budget_(budget) {}

  /// Of a crop, RGB8 [side, side, 3]. One that was made before is found by its pixels, as long as a session
  /// shows it or it is among the last few; others are dropped, too, when the budget is full.
  /// Throws OUT_OF_BUDGET, OUT_OF_MEMORY, BACKEND_FAILED.
  std::shared_ptr<const Portrait> get(std::span<const std::uint8_t> crop);

 private:
  [[nodiscard]] device::Buffer kept(const nn::Instance& appearance, const std::string& name) const;
  std::shared_ptr<const Portrait> make(std::span<const std::uint8_t> crop, std::uint64_t hash);
  /// Drops portraits that no session shows until `most` of them are left.
  bool drop_idle(std::size_t most);

  Graphs graphs_;
  int side_;
  device::Budget& budget_;
  std::mutex mutex_;
  std::list<std::shared_ptr<const Portrait>> kept_;  // least recently asked for first
};

}  // namespace talkrt::pipelines
