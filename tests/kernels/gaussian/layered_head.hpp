// SPDX-License-Identifier: Apache-2.0
//
// Gaussians that small networks move, made up, and what the formulas of point_network.hpp make of them in
// double precision.
#pragma once

#include <cmath>
#include <random>

#include "kernels/gaussian/rasterize.hpp"
#include "tests/kernels/gaussian/random_scene.hpp"
#include "tests/kernels/gaussian/workers.hpp"

namespace talkrt::testing::layered {

using gaussian::Aligned;
using gaussian::kBlock;

/// The constants and the frame's mix of a network, seeded.
struct Net {
  int blocks, attended;
  int short_by = 0;  // lanes of the last block that are not its own
  std::vector<int> widths;
  gaussian::ScaleActivation activation;
  Aligned<float> still, attention, quats, scales, mix;
  std::vector<Aligned<float>> weights;

  Net(int of_blocks, int of_attended, std::vector<int> of_widths, gaussian::ScaleActivation of_activation,
      unsigned seed)
      : blocks(of_blocks), attended(of_attended), widths(std::move(of_widths)), activation(of_activation) {
    std::mt19937 bits(seed);
    const auto filled = [&](int count, double reach) {
      Aligned<float> out(static_cast<std::size_t>(count));
      for (float& v : out) v = static_cast<float>(reach * (bits() * 0x1p-31 - 1));
      return out;
    };
    const int width = widths[0];
    still = filled(blocks * width * kBlock, 1);
    attention = filled(blocks * attended * kBlock, 1);
    for (std::size_t i = 0; i + 1 < widths.size(); ++i) {
      const bool last = i + 2 == widths.size();
      weights.push_back(filled(widths[i] * widths[i + 1], last ? 0.02 : 1.7 / std::sqrt(width)));
    }
    quats = filled(blocks * 4 * kBlock, 1);
    scales = filled(blocks * 3 * kBlock, 6);
    mix = filled(std::max(attended, 1) * width, 0.4);
  }

  [[nodiscard]] bool shapes() const { return activation != gaussian::ScaleActivation::none; }

  [[nodiscard]] gaussian::PointNetwork view(int first_block) const {
    gaussian::PointNetwork out;
    out.first_block = first_block;
    out.count = blocks * kBlock - short_by;
    out.attended = attended;
    out.layers = static_cast<int>(weights.size());
    for (std::size_t i = 0; i < widths.size(); ++i) out.widths[i] = widths[i];
    for (std::size_t i = 0; i < weights.size(); ++i) out.weights[i] = weights[i].data();
    if (shapes()) {
      out.quats_at = 3;
      out.scales_at = 7;
    }
    out.activation = activation;
    out.still = still.data();
    out.attention = attention.data();
    out.quats = quats.data();
    out.scales = scales.data();
    return out;
  }

  /// y of one Gaussian.
  [[nodiscard]] std::vector<double> of(int gaussian) const {
    const auto at = [&](const Aligned<float>& v, int features, int c) -> double {
      return v[static_cast<std::size_t>((gaussian / kBlock * features + c) * kBlock + gaussian % kBlock)];
    };
    const int width = widths[0];
    std::vector<double> x(static_cast<std::size_t>(width));
    for (int o = 0; o < width; ++o) {
      double sum = at(still, width, o);
      for (int k = 0; k < attended; ++k) sum += at(attention, attended, k) * mix[k * width + o];
      if (attended == 0) sum += mix[o];
      x[o] = std::max(sum, 0.0);
    }
    for (std::size_t layer = 0; layer < weights.size(); ++layer) {
      std::vector<double> out(static_cast<std::size_t>(widths[layer + 1]));
      for (std::size_t o = 0; o < out.size(); ++o) {
        for (std::size_t i = 0; i < x.size(); ++i) out[o] += x[i] * weights[layer][i * out.size() + o];
        if (layer + 1 < weights.size()) out[o] = std::max(out[o], 0.0);
      }
      x = out;
    }
    return x;
  }
};

/// A face of `face` Gaussians with shape outputs and a mouth of `mouth` Gaussians, each in blocks of its own,
/// with a block between them that nothing moves.
struct Head {
  Scene scene;
  Net face, mouth;
  gaussian::PointNetwork networks[2];
  gaussian::NetworkInput inputs[2];

  Head(int face_blocks, int mouth_blocks, int width,
       gaussian::ScaleActivation activation = gaussian::ScaleActivation::softplus)
      : scene(random_scene((face_blocks + 1 + mouth_blocks) * kBlock, 200, 150, 7, 1, true)),
        face(face_blocks, 38, {width, width, width / 2, 10}, activation, 11),
        mouth(mouth_blocks, 0, {width / 2, 3}, gaussian::ScaleActivation::none, 12),
        networks{face.view(0), mouth.view(face_blocks + 1)},
        inputs{{face.mix.data(), 1}, {mouth.mix.data(), 0.5f}} {
    for (int i = 0; i < scene.count; ++i) scene.layers[i] = i / kBlock > face_blocks;
    for (Net* net : {&face, &mouth}) net->short_by = 5;
    networks[0] = face.view(0);
    networks[1] = mouth.view(face_blocks + 1);
  }
  [[nodiscard]] gaussian::Movement movement() const { return {networks, inputs, 2}; }
};

struct Arrays {
  Aligned<float> means, frames;
};

inline Arrays moved(const Head& head, const gaussian::PackedScene& packed, int workers) {
  const gaussian::Splats& rest = packed.splats();
  const auto lanes = static_cast<std::size_t>(gaussian::blocks_of(rest.count)) * kBlock;
  Arrays out{{rest.means, rest.means + 3 * lanes}, {rest.frames, rest.frames + 9 * lanes}};
  Workers pool(workers);
  gaussian::move_cpu(rest, head.movement(), {out.means.data(), out.frames.data(), nullptr, nullptr}, pool);
  return out;
}

}  // namespace talkrt::testing::layered
