// SPDX-License-Identifier: Apache-2.0
//
// A scene on the GPU, drawn as several views at once. Every view has a scratch of its own and, as in the
// engine, three frames in turn.
#pragma once

#include <deque>
#include <vector>

#include "engine/cuda/painter.hpp"
#include "tests/kernels/gaussian/scene.hpp"

namespace talkrt::bench {

inline constexpr int kFrames = 3;

/// Device or page-locked memory, zeroed.
class Bytes {
 public:
  Bytes(cuda::Memory kind, std::size_t bytes);
  Bytes(const Bytes&) = delete;
  Bytes& operator=(const Bytes&) = delete;
  ~Bytes();
  template <class T>
  [[nodiscard]] T* as() const {
    return static_cast<T*>(memory_);
  }

 private:
  cuda::Memory kind_;
  void* memory_ = nullptr;
};

class Views {
 public:
  Views(const testing::Scene& scene, int count, int bin_capacity);

  /// The views' jobs for RGBA8 frames of this turn, with or without the copies to the host.
  [[nodiscard]] std::vector<cuda::Job> jobs(int turn, bool copied) const;
  [[nodiscard]] const testing::Scene& scene() const { return scene_; }
  [[nodiscard]] cuda::Painter& painter() { return *painter_; }
  [[nodiscard]] const gaussian::CudaLimits& limits() const { return limits_; }
  [[nodiscard]] std::size_t frame_bytes() const;
  [[nodiscard]] const gaussian::CudaView& view(int i) const { return views_[static_cast<std::size_t>(i)]; }
  /// Where the first view's pixels of a turn come to.
  [[nodiscard]] const std::uint8_t* pixels(int turn) const;
  [[nodiscard]] cuda::Ticket& ticket(int view, int turn) {
    return tickets_[static_cast<std::size_t>(view * kFrames + turn)];
  }

 private:
  template <class T>
  T* upload(const T* from, std::size_t count);

  const testing::Scene& scene_;
  gaussian::CudaLimits limits_;
  std::deque<Bytes> memory_;
  std::vector<gaussian::CudaView> views_;
  std::vector<std::uint8_t*> device_, pinned_;  // [views, kFrames]
  mutable std::deque<cuda::Ticket> tickets_;    // the same
  std::unique_ptr<cuda::Painter> painter_;
};

}  // namespace talkrt::bench
