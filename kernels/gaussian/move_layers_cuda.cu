// SPDX-License-Identifier: Apache-2.0
//
// move_layers: 128 threads run a point network for 32 * Quads Gaussians, then move one each.
//
// A face (38 attended numbers, 64, 64, 10) holds 64 rows of values twice: 32 KB for 64 Gaussians, 9 KB of
// weights under way. What a Gaussian has to itself is read once, 408 bytes.
#include "kernels/cuda/launch.hpp"
#include "kernels/gaussian/move_launch_cuda.hpp"
#include "kernels/gaussian/moved_blocks_cuda.hpp"
#include "kernels/gaussian/shape_cuda.hpp"

namespace talkrt::gaussian {
namespace cuda {
namespace {

template <int Quads>
class Layers {
 public:
  static constexpr int kGaussians = Dense<Quads>::kGaussians;

  __device__ Layers(const CudaLayers& job, int widest)
      : job_(job),
        net_(job.network),
        blocks_(MovedBlocks<kGaussians>::of(net_)),
        next_(widest * kGaussians) {}

  __device__ void run() {
    if (net_.attended > 0) {
      blocks_.load(net_.attention, net_.attended, x_);
    } else {
      begin();
    }
    for (int i = net_.attended > 0 ? -1 : 0; i < net_.layers; ++i) {
      Dense<Quads>::run([&] { return layer(i); });
      const int made = next_;
      next_ = x_;
      x_ = made;
    }
    __syncthreads();
    move();
  }

 private:
  /// -1 is the one that attends.
  [[nodiscard]] __device__ Layer layer(int i) const {
    if (i >= 0) {
      return {x_,
              {net_.weights[i], net_.widths[i], net_.widths[i + 1], false},
              {},
              i + 1 < net_.layers ? 0.0f : kNoLeast,
              next_};
    }
    const int width = net_.widths[0];
    const Start still{.kind = Start::blocks,
                      .from = net_.still + std::ptrdiff_t{blocks_.own()} * width * kBlock,
                      .outputs = width,
                      .count = blocks_.blocks()};
    return {x_, {job_.input.mix, net_.attended, width, false}, still, 0.0f, next_};
  }

  /// Where nothing is attended to.
  __device__ void begin() const {
    const int width = net_.widths[0];
    blocks_.load(net_.still, width, x_);
    for (int i = static_cast<int>(threadIdx.x); i < width * kGaussians; i += kMoveThreads) {
      float& x = shared_rows()[x_ + i];  // that this thread has loaded
      x = fmaxf(x + job_.input.mix[i / kGaussians], 0.0f);
    }
  }

  [[nodiscard]] __device__ float added(int at, int c, int gaussian, float to) const {
    return at < 0 ? to : fmaf(job_.input.strength, shared_rows()[x_ + (at + c) * kGaussians + gaussian], to);
  }

  __device__ void move() const {
    const int gaussian = static_cast<int>(threadIdx.x);
    if (gaussian >= blocks_.count) return;
    const std::ptrdiff_t first = std::ptrdiff_t{net_.first_block} * kBlock;
    for (int c = 0; c < 3; ++c) {
      const std::ptrdiff_t at = first * 3 + blocks_.at(gaussian, c, 3);
      job_.out.means[at] = added(net_.means_at, c, gaussian, job_.rest.means[at]);
    }
    if (net_.quats_at < 0 && net_.scales_at < 0) return;
    float quat[4], turn[9];
    for (int c = 0; c < 4; ++c) {
      quat[c] = added(net_.quats_at, c, gaussian, net_.quats[blocks_.at(gaussian, c, 4)]);
    }
    rotation(quat, turn);
    for (int c = 0; c < 3; ++c) {
      const float before = net_.scales[blocks_.at(gaussian, c, 3)];
      const float scale = activated(net_.activation, added(net_.scales_at, c, gaussian, before));
      for (int row = 0; row < 3; ++row) {
        job_.out.frames[first * 9 + blocks_.at(gaussian, row * 3 + c, 9)] = turn[row * 3 + c] * scale;
      }
    }
  }

  const CudaLayers& job_;
  const PointNetwork& net_;
  MovedBlocks<kGaussians> blocks_;
  int x_ = 0, next_;  // places in shared_rows()
};

template <int Quads>
__global__ void __launch_bounds__(kMoveThreads, kMoveResident) move_layers(const CudaAvatars* avatars) {
  move_avatars<Quads, CudaLayers>(
      avatars,
      [](const CudaAvatar& avatar) { return Networks<CudaLayers>{avatar.layers, avatar.layers_count}; },
      [](const CudaLayers& job) {
        int widest = job.network.attended;
        for (int i = 0; i <= job.network.layers; ++i) {
          widest = job.network.widths[i] > widest ? job.network.widths[i] : widest;
        }
        Layers<Quads>(job, widest).run();
      });
}

}  // namespace
}  // namespace cuda

int move_layers_cuda(const CudaAvatars* avatars, std::size_t rows, const CudaPlaces& places,
                     CUstream_st* stream) {
  return cuda::launch_moves(avatars, rows, places, stream, cuda::move_layers<2>, cuda::move_layers<1>);
}

}  // namespace talkrt::gaussian
