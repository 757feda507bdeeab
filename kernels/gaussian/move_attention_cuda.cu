// SPDX-License-Identifier: Apache-2.0
//
// move_attention: 128 threads run an attention network for 32 * Quads Gaussians and move them.
//
// GaussianTalker's network holds 64 features, 128 inner numbers and 55 rows of what is narrow for 64
// Gaussians: 63 KB and 9 KB of weights under way, so three blocks of threads fit a multiprocessor of compute
// capability 9.0. All weights are 220 KB, read from L2 once for 64 Gaussians.
#include "kernels/cuda/launch.hpp"
#include "kernels/gaussian/move_launch_cuda.hpp"
#include "kernels/gaussian/moved_blocks_cuda.hpp"
#include "kernels/gaussian/shape_cuda.hpp"

namespace talkrt::gaussian {
namespace cuda {
namespace {

constexpr float kNormEpsilon = 1e-12f;

/// One Gaussian's column of rows in shared memory.
template <int Gaussians>
struct Column {
  float* at;
  __device__ float& operator[](int row) const { return at[row * Gaussians]; }
};

/// The mean of what before(i, row i) makes of the rows, which is stored.
template <int Gaussians, class Before>
__device__ float mean_of(const Column<Gaussians>& rows, int width, Before before) {
  constexpr int kChains = 4;  // as on the CPU
  float sum[kChains] = {0, 0, 0, 0};
  const auto take = [&](int i, float& of) {
    const float v = before(i, rows[i]);
    rows[i] = v;
    of = of + v;
  };
  int i = 0;
#pragma unroll 2
  for (; i + kChains <= width; i += kChains) {
#pragma unroll
    for (int c = 0; c < kChains; ++c) take(i + c, sum[c]);
  }
  for (; i < width; ++i) take(i, sum[0]);
  return ((sum[0] + sum[1]) + (sum[2] + sum[3])) * (1.0f / static_cast<float>(width));
}

/// Takes `mean` from the rows, stores what after(i, v) makes of them, and says their mean square before that.
template <int Gaussians, class After>
__device__ float centre(const Column<Gaussians>& rows, int width, float mean, After after) {
  constexpr int kChains = 4;
  float squares[kChains] = {0, 0, 0, 0};
  const auto take = [&](int i, float& of) {
    const float v = rows[i] - mean;
    rows[i] = after(i, v);
    of = fmaf(v, v, of);
  };
  int i = 0;
#pragma unroll 2
  for (; i + kChains <= width; i += kChains) {
#pragma unroll
    for (int c = 0; c < kChains; ++c) take(i + c, squares[c]);
  }
  for (; i < width; ++i) take(i, squares[0]);
  return ((squares[0] + squares[1]) + (squares[2] + squares[3])) * (1.0f / static_cast<float>(width));
}

/// The network as steps, each one layer and what follows it, so that all layers run in one place.
template <int Quads>
class Attention {
 public:
  static constexpr int kGaussians = Dense<Quads>::kGaussians;

  __device__ explicit Attention(const CudaAttention& job) : job_(job) {}

  __device__ void run() {
    blocks().load(job_.network.still, job_.network.width, kX);
    const int first_branch = kOfLayer * job_.network.layers;
    for (int step = 0; step < first_branch + 2 * kBranches; ++step) {
      const int of_branches = step - first_branch;
      const bool attends = of_branches < 0;
      if (attends || branch(of_branches / 2).width > 0) {
        Dense<Quads>::run([&] {
          return attends ? attending(step / kOfLayer, step % kOfLayer)
                         : branching(of_branches / 2, of_branches % 2 != 0);
        });
        __syncthreads();
      }
      if (attends) {
        if (thread() < kGaussians) attended(step / kOfLayer, step % kOfLayer);
      } else if (of_branches % 2 != 0) {
        branched(of_branches / 2);
      }
    }
  }

 private:
  enum OfLayer { ask, give, widen, narrow, kOfLayer };
  enum Branch { means, opacities, scales, quats, colors, kBranches };  // scales before what they scale
  static constexpr int kScale = 3;                                     // of kept rows, behind three scales

  [[nodiscard]] __device__ MovedBlocks<kGaussians> blocks() const {
    return MovedBlocks<kGaussians>::of(job_.network);
  }
  [[nodiscard]] __device__ static int thread() { return static_cast<int>(threadIdx.x); }

  // Places in shared_rows(), one kind behind the other.
  static constexpr int kKept = 0, kNarrow = kKeptRows * kGaussians, kX = kNarrow + kNarrowRows * kGaussians;
  [[nodiscard]] __device__ int inner() const { return kX + job_.network.width * kGaussians; }

  [[nodiscard]] __device__ Column<kGaussians> column(int rows) const {
    return {shared_rows() + rows + thread()};
  }

  [[nodiscard]] __device__ Layer attending(int l, int step) const {
    const AttentionLayer& layer = job_.network.layer[l];
    const int width = job_.network.width, hidden = job_.network.hidden,
              tokens = job_.network.heads * job_.network.tokens;
    const float* mix = job_.input.mix + l * (2 * width + 1) * tokens;
    if (step == ask) {
      return {kX,
              {mix, width, tokens, false},
              {.kind = Start::numbers, .from = mix + width * tokens},
              kNoLeast,
              inner()};
    }
    if (step == give) {
      return {kNarrow,
              {mix + (width + 1) * tokens, tokens, width, false},
              {.kind = Start::rows, .at = kX},
              kNoLeast,
              kX};
    }
    if (step == narrow) {
      return {inner(), {layer.second, hidden, width, true}, {.kind = Start::rows, .at = kX}, kNoLeast, kX};
    }
    if (l > 0) {
      return {kX,
              {layer.first, width, hidden, true},
              {.kind = Start::numbers, .from = layer.first_bias},
              0.0f,
              inner()};
    }
    const Start still{.kind = Start::blocks,
                      .from = job_.network.hidden_still + std::ptrdiff_t{blocks().own()} * hidden * kBlock,
                      .outputs = hidden,
                      .count = blocks().blocks()};
    return {kNarrow, {job_.input.hide, tokens + 1, hidden, false}, still, 0.0f, inner()};
  }

  /// What follows those, for this thread's Gaussian.
  __device__ void attended(int l, int step) const {
    const AttentionLayer& layer = job_.network.layer[l];
    const Column<kGaussians> x = column(kX);
    if (step == ask) {
      soften();
    } else if (step == give) {
      norm_inputs(l == 0 ? layer.gain : nullptr);
    } else if (step == widen) {
      for (int i = 0; l > 0 && i < job_.network.width; ++i) x[i] = x[i] * layer.gain[i];
    } else {
      norm_outputs(layer, l + 1 == job_.network.layers);
    }
  }

  /// Scores in inner() to weights in kNarrow: the softmax of a head's scores and of a 0.
  __device__ void soften() const {
    const Column<kGaussians> scores = column(inner()), weights = column(kNarrow);
    for (int h = 0; h < job_.network.heads; ++h) {
      const int first = h * job_.network.tokens, end = first + job_.network.tokens;
      float largest = 0;
      for (int t = first; t < end; ++t) largest = fmaxf(scores[t], largest);
      const auto power = [&](float score) { return exp2_exact(fmaxf((score - largest) * kLog2E, -124.0f)); };
      float sum = power(0);
      for (int t = first; t < end; ++t) {
        const float e = power(scores[t]);
        weights[t] = e;
        sum = sum + e;
      }
      const float inverse = 1.0f / sum;
      for (int t = first; t < end; ++t) weights[t] = weights[t] * inverse;
    }
  }

  /// kX from a to u; in layer 0, where there is a gain, to gain v: what is made of it is scaled by 1 /
  /// deviation behind the next layer, and the deviation is one more input of the frame's matrix.
  __device__ void norm_inputs(const float* gain) const {
    const Column<kGaussians> x = column(kX);
    const float mean = mean_of(x, job_.network.width, [](int, float v) { return v; });
    const float square = centre(x, job_.network.width, mean,
                                [&](int i, float v) { return gain != nullptr ? v * gain[i] : v; });
    const float deviation = sqrtf(square + kNormEpsilon), inverse = 1.0f / deviation;
    column(kKept)[kScale] = gain != nullptr ? inverse : 1.0f;
    if (gain != nullptr) {
      column(kNarrow)[job_.network.heads * job_.network.tokens] = deviation;
    } else {
      for (int i = 0; i < job_.network.width; ++i) x[i] = x[i] * inverse;
    }
  }

  __device__ void norm_outputs(const AttentionLayer& layer, bool last) const {
    const Column<kGaussians> x = column(kX);
    const float scale = column(kKept)[kScale];
    const float mean =
        mean_of(x, job_.network.width, [&](int i, float v) { return fmaf(scale, v, layer.second_bias[i]); });
    const float square = centre(x, job_.network.width, mean, [](int, float v) { return v; });
    const float inverse = 1.0f / sqrtf(square + kNormEpsilon);
    for (int i = 0; i < job_.network.width; ++i) {
      const float v = fmaf(x[i], inverse * layer.norm_gain[i], layer.norm_bias[i]);
      x[i] = last ? fmaxf(v, 0.0f) : v;
    }
  }

  [[nodiscard]] __device__ const AttentionBranch& branch(int of) const {
    return of == means       ? job_.network.move
           : of == opacities ? job_.network.fade
           : of == scales    ? job_.network.scale
           : of == quats     ? job_.network.turn
                             : job_.network.paint;
  }
  [[nodiscard]] __device__ int numbers(int of) const {
    const int degree = job_.rest.sh_degree;
    return of == opacities              ? 1
           : of == quats                ? 4
           : of == colors && degree > 0 ? 3 * (degree + 1) * (degree + 1)
                                        : 3;
  }
  [[nodiscard]] __device__ Layer branching(int of, bool second) const {
    const AttentionBranch& b = branch(of);
    if (second) {
      return {inner(),
              {b.second, b.width, numbers(of), true},
              {.kind = Start::numbers, .from = b.second_bias},
              kNoLeast,
              kNarrow};
    }
    return {kX,
            {b.first, job_.network.width, b.width, true},
            {.kind = Start::numbers, .from = b.first_bias},
            0.0f,
            inner()};
  }

  /// Adds d, in kNarrow, to an attribute.
  __device__ void branched(int of) const {
    const std::ptrdiff_t first = std::ptrdiff_t{job_.network.first_block} * kBlock;
    const bool mine = thread() < blocks().count, there = branch(of).width > 0;
    if (of == means && there) {
      blocks().add(job_.rest.means + first * 3, kNarrow, 3, job_.input.strength, job_.out.means + first * 3);
    } else if (of == colors && there) {
      const int rows = numbers(of);
      blocks().add(job_.rest.sh + first * rows, kNarrow, rows, job_.input.strength,
                   job_.out.sh + first * rows);
    } else if (of == opacities && there && mine) {
      const float fade = added(job_.network.opacities, 0, 1, true);
      job_.out.opacities[first + blocks().at(thread(), 0, 1)] = sigmoid(fade);
    } else if (mine && (job_.network.turn.width > 0 || job_.network.scale.width > 0)) {
      if (of == scales) {
        for (int c = 0; c < 3; ++c) {
          column(kKept)[c] = activated(job_.network.activation, added(job_.network.scales, c, 3, there));
        }
      } else if (of == quats) {
        turn(first, there);
      }
    }
  }

  /// Element `row` of this thread's Gaussian, with d where it moves.
  [[nodiscard]] __device__ float added(const float* before, int row, int rows, bool moves) const {
    const float from = before[blocks().at(thread(), row, rows)];
    return moves ? fmaf(job_.input.strength, column(kNarrow)[row], from) : from;
  }

  /// Frames R(q) diag(scale), of scales that are kept.
  __device__ void turn(std::ptrdiff_t first, bool moves) const {
    float quat[4], turned[9];
    for (int c = 0; c < 4; ++c) quat[c] = added(job_.network.quats, c, 4, moves);
    rotation(quat, turned);
    for (int i = 0; i < 9; ++i) {
      job_.out.frames[first * 9 + blocks().at(thread(), i, 9)] = turned[i] * column(kKept)[i % 3];
    }
  }

  const CudaAttention& job_;
};

template <int Quads>
__global__ void __launch_bounds__(kMoveThreads, kMoveResident) move_attention(const CudaAvatars* avatars) {
  move_avatars<Quads, CudaAttention>(
      avatars,
      [](const CudaAvatar& avatar) {
        return Networks<CudaAttention>{avatar.attention, avatar.attention_count};
      },
      [](const CudaAttention& job) { Attention<Quads>(job).run(); });
}

}  // namespace
}  // namespace cuda

int move_attention_cuda(const CudaAvatars* avatars, std::size_t rows, const CudaPlaces& places,
                        CUstream_st* stream) {
  return cuda::launch_moves(avatars, rows, places, stream, cuda::move_attention<2>, cuda::move_attention<1>);
}

}  // namespace talkrt::gaussian
