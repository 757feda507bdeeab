// SPDX-License-Identifier: Apache-2.0
//
// Gaussians that attend to tokens, made up, and what the formulas of export/FORMAT.md, section 8.1, make of
// them in double precision.
#pragma once

#include <array>
#include <cmath>
#include <random>

#include "kernels/gaussian/rasterize.hpp"
#include "tests/kernels/gaussian/random_scene.hpp"
#include "tests/kernels/gaussian/workers.hpp"

namespace talkrt::testing::attending {

using gaussian::Aligned;
using gaussian::kBlock;
using Numbers = std::vector<double>;

/// Matrices as the plan has them, row by row, seeded.
struct Matrix {
  int inputs, outputs;
  Aligned<float> rows, packed;

  Matrix(int of_inputs, int of_outputs, double reach, std::mt19937& bits)
      : inputs(of_inputs), outputs(of_outputs), rows(static_cast<std::size_t>(inputs) * outputs) {
    for (float& v : rows) v = static_cast<float>(reach * (bits() * 0x1p-31 - 1));
    packed = rows;
    gaussian::pack_weights(rows.data(), inputs, outputs, packed.data());
  }
  [[nodiscard]] Numbers times(const Numbers& x) const { return of(rows.data(), x, outputs); }
  static Numbers of(const float* rows, const Numbers& x, int outputs) {
    Numbers out(static_cast<std::size_t>(outputs));
    for (std::size_t i = 0; i < x.size(); ++i) {
      for (std::size_t o = 0; o < out.size(); ++o) out[o] += x[i] * rows[i * out.size() + o];
    }
    return out;
  }
};

inline Numbers sum(Numbers a, const float* b) {
  for (std::size_t i = 0; i < a.size(); ++i) a[i] += b[i];
  return a;
}
inline Numbers relu(Numbers a) {
  for (double& v : a) v = std::max(v, 0.0);
  return a;
}

struct Normed {
  Numbers values;
  double inverse;
};
inline Normed norm(Numbers v) {
  double mean = 0, square = 0;
  for (const double x : v) mean += x / static_cast<double>(v.size());
  for (double& x : v) square += (x - mean) * (x - mean) / static_cast<double>(v.size());
  const double inverse = 1 / std::sqrt(square + 1e-12);
  for (double& x : v) x = (x - mean) * inverse;
  return {v, inverse};
}

struct Sizes {
  int blocks, short_by;  // lanes of the last block that are not its own
  int layers, width, hidden, heads, tokens, branch, sh_degree;
};

constexpr int kOutputs = 5;  // means, quats, scales, opacities, sh

/// The constants and the frame's mix of a network.
struct Net {
  Sizes size;
  int first_block;
  std::mt19937 bits{77};
  Aligned<float> still, hidden, quats, scales, opacities, mix, hide;
  std::vector<Matrix> first, second, inner, outer;
  std::vector<Aligned<float>> vectors;
  gaussian::AttentionNetwork view;

  Net(const Sizes& of, int first_of) : size(of), first_block(first_of) {
    const int width = size.width, attended = size.heads * size.tokens;
    still = filled(size.blocks * width * kBlock, 1);
    hidden = filled(size.blocks * size.hidden * kBlock, 1);
    quats = filled(size.blocks * 4 * kBlock, 1);
    scales = filled(size.blocks * 3 * kBlock, 3);
    opacities = filled(size.blocks * kBlock, 3);
    mix = filled(size.layers * (2 * width + 1) * attended, 2.0 / std::sqrt(width));
    hide = filled((attended + 1) * size.hidden, 1);
    view.first_block = first_block;
    view.count = size.blocks * kBlock - size.short_by;
    view.layers = size.layers;
    view.width = width;
    view.hidden = size.hidden;
    view.heads = size.heads;
    view.tokens = size.tokens;
    view.activation = gaussian::ScaleActivation::exp;
    view.still = still.data();
    view.hidden_still = hidden.data();
    view.quats = quats.data();
    view.scales = scales.data();
    view.opacities = opacities.data();
    for (int l = 0; l < size.layers; ++l) {
      first.emplace_back(width, size.hidden, 1.7 / std::sqrt(width), bits);
      second.emplace_back(size.hidden, width, 1.7 / std::sqrt(size.hidden), bits);
      view.layer[l] = {first.back().packed.data(), vector(size.hidden, 0.3), second.back().packed.data(),
                       vector(width, 0.3),         vector(width, 1),         vector(width, 1),
                       vector(width, 0.3)};
    }
    // Layer 0's bias is the last row of `hide`.
    std::copy_n(view.layer[0].first_bias, size.hidden, hide.end() - size.hidden);
    for (int o = 0; o < kOutputs; ++o) {
      inner.emplace_back(width, size.branch, 1.7 / std::sqrt(width), bits);
      outer.emplace_back(size.branch, numbers(o), 0.1, bits);
      branch(o) = {size.branch, inner.back().packed.data(), vector(size.branch, 0.3),
                   outer.back().packed.data(), vector(numbers(o), 0.1)};
    }
  }

  [[nodiscard]] int numbers(int o) const {
    const int bases = gaussian::sh_bases(size.sh_degree);
    return std::array{3, 4, 3, 1, 3 * bases}[static_cast<std::size_t>(o)];
  }
  gaussian::AttentionBranch& branch(int o) {
    return *std::array{&view.move, &view.turn, &view.scale, &view.fade,
                       &view.paint}[static_cast<std::size_t>(o)];
  }
  Aligned<float> filled(int count, double reach) {
    Aligned<float> out(static_cast<std::size_t>(count));
    for (float& v : out) v = static_cast<float>(reach * (bits() * 0x1p-31 - 1));
    return out;
  }
  const float* vector(int count, double reach) { return vectors.emplace_back(filled(count, reach)).data(); }
  static double at(const Aligned<float>& v, int rows, int i, int c) {
    return v[static_cast<std::size_t>((i / kBlock * rows + c) * kBlock + i % kBlock)];
  }

  /// d of each output for one Gaussian.
  [[nodiscard]] std::vector<Numbers> of(int i) const {
    const int width = size.width, attended = size.heads * size.tokens;
    Numbers x(static_cast<std::size_t>(width)), h(static_cast<std::size_t>(size.hidden));
    for (int c = 0; c < width; ++c) x[c] = at(still, width, i, c);
    for (int c = 0; c < size.hidden; ++c) h[c] = at(hidden, size.hidden, i, c);
    for (int l = 0; l < size.layers; ++l) {
      const float* ask = mix.data() + std::ptrdiff_t{l} * (2 * width + 1) * attended;
      const float *offset = ask + width * attended, *give = offset + attended;
      Numbers w = sum(Matrix::of(ask, x, attended), offset);
      for (int head = 0; head < size.heads; ++head) {
        double total = 1;
        for (int t = 0; t < size.tokens; ++t) total += std::exp(w[head * size.tokens + t]);
        for (int t = 0; t < size.tokens; ++t) {
          w[head * size.tokens + t] = std::exp(w[head * size.tokens + t]) / total;
        }
      }
      Numbers a = Matrix::of(give, w, width);
      for (int c = 0; c < width; ++c) a[c] += x[c];
      const Normed u = norm(a);
      Numbers f = l == 0 ? Matrix::of(hide.data(), w, size.hidden) : first[l].times(u.values);
      for (int c = 0; c < size.hidden && l == 0; ++c) f[c] = (f[c] + h[c]) * u.inverse;
      f = relu(sum(f, view.layer[l].first_bias));
      Numbers z = sum(second[l].times(f), view.layer[l].second_bias);
      for (int c = 0; c < width; ++c) z[c] += view.layer[l].gain[c] * u.values[c];
      x = norm(z).values;
      for (int c = 0; c < width; ++c) {
        x[c] = x[c] * view.layer[l].norm_gain[c] + view.layer[l].norm_bias[c];
      }
    }
    std::vector<Numbers> out;
    const std::array branches{view.move, view.turn, view.scale, view.fade, view.paint};
    for (std::size_t o = 0; o < kOutputs; ++o) {
      const Numbers y = relu(sum(inner[o].times(relu(x)), branches[o].first_bias));
      out.push_back(sum(outer[o].times(y), branches[o].second_bias));
    }
    return out;
  }
};

/// Gaussians of one network behind a block that nothing moves.
struct Head {
  Scene scene;
  Net net;
  gaussian::AttentionInput input;

  explicit Head(const Sizes& size, float strength = 1)
      : scene(random_scene((size.blocks + 1) * kBlock, 200, 150, 7, size.sh_degree, false)),
        net(size, 1),
        input{net.mix.data(), net.hide.data(), strength} {}
  [[nodiscard]] gaussian::Movement movement() const { return {nullptr, nullptr, 0, &net.view, &input, 1}; }
};

struct Arrays {
  Aligned<float> means, frames, opacities, sh;
  bool operator==(const Arrays&) const = default;
};

inline Arrays at_rest(const gaussian::Splats& rest) {
  const auto lanes = static_cast<std::size_t>(gaussian::blocks_of(rest.count)) * kBlock;
  const auto colors = 3 * static_cast<std::size_t>(gaussian::sh_bases(rest.sh_degree));
  return {{rest.means, rest.means + 3 * lanes},
          {rest.frames, rest.frames + 9 * lanes},
          {rest.opacities, rest.opacities + lanes},
          {rest.sh, rest.sh + colors * lanes}};
}

inline Arrays moved(const Head& head, const gaussian::PackedScene& packed, int workers) {
  const gaussian::Splats& rest = packed.splats();
  Arrays out = at_rest(rest);
  Workers pool(workers);
  gaussian::move_cpu(rest, head.movement(),
                     {out.means.data(), out.frames.data(), out.opacities.data(), out.sh.data()}, pool);
  return out;
}

}  // namespace talkrt::testing::attending
