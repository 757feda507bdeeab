// SPDX-License-Identifier: Apache-2.0
//
// Gaussians that networks move, against the formulas of point_network.hpp in double precision, and drawing
// them against moving them into arrays and drawing those.
#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "kernels/gaussian/rasterize.hpp"
#include "tests/kernels/gaussian/compare.hpp"
#include "tests/kernels/gaussian/random_scene.hpp"
#include "tests/kernels/gaussian/workers.hpp"

namespace talkrt::testing {
namespace {

using gaussian::Aligned;
using gaussian::kBlock;

using Networks = KernelTest;

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

Arrays moved(const Head& head, const gaussian::PackedScene& packed, int workers) {
  const gaussian::Splats& rest = packed.splats();
  const auto lanes = static_cast<std::size_t>(gaussian::blocks_of(rest.count)) * kBlock;
  Arrays out{{rest.means, rest.means + 3 * lanes}, {rest.frames, rest.frames + 9 * lanes}};
  Workers pool(workers);
  gaussian::move_cpu(rest, head.movement(), {out.means.data(), out.frames.data(), nullptr, nullptr}, pool);
  return out;
}

TEST_F(Networks, follow_the_formulas) {
  for (const int width : {64, 32, 20, 200}) {
    const bool exponential = width == 32;
    const Head head(5, 3, width,
                    exponential ? gaussian::ScaleActivation::exp : gaussian::ScaleActivation::softplus);
    const gaussian::PackedScene packed(head.scene);
    const Arrays found = moved(head, packed, 2);
    const auto at = [](const Aligned<float>& v, int channels, int i, int c) -> double {
      return v[static_cast<std::size_t>((i / kBlock * channels + c) * kBlock + i % kBlock)];
    };
    for (int i = 0; i < head.scene.count; ++i) {
      const int block = i / kBlock;
      const int of_face = 5 * kBlock - 5, of_mouth = 3 * kBlock - 5;
      const bool is_face = i < of_face, is_mouth = block > 5 && i - 6 * kBlock < of_mouth;
      const auto o = is_face    ? head.face.of(i)
                     : is_mouth ? head.mouth.of(i - 6 * kBlock)
                                : std::vector<double>(3);
      const double strength = is_mouth ? 0.5 : 1;
      for (int c = 0; c < 3; ++c) {
        const double mean = head.scene.means[i * 3 + c] + strength * o[c];
        ASSERT_NEAR(at(found.means, 3, i, c), mean, 5e-8 + 6.1e-8 * std::abs(mean))
            << "width " << width << ", Gaussian " << i;
      }
      if (!is_face) {
        for (int c = 0; c < 9; ++c) ASSERT_EQ(at(found.frames, 9, i, c), head.scene.frames[i * 9 + c]);
        continue;
      }
      double q[4], length = 0;
      for (int c = 0; c < 4; ++c) {
        q[c] = at(head.face.quats, 4, i, c) + o[3 + c];
        length += q[c] * q[c];
      }
      for (double& c : q) c /= std::sqrt(length);
      const double w = q[0], x = q[1], y = q[2], z = q[3];
      const double turn[9] = {1 - 2 * (y * y + z * z), 2 * (x * y - w * z),     2 * (x * z + w * y),
                              2 * (x * y + w * z),     1 - 2 * (x * x + z * z), 2 * (y * z - w * x),
                              2 * (x * z - w * y),     2 * (y * z + w * x),     1 - 2 * (x * x + y * y)};
      for (int c = 0; c < 9; ++c) {
        const double grown = std::exp(at(head.face.scales, 3, i, c % 3) + o[7 + c % 3]);
        const double scale = exponential ? grown : std::log1p(grown);
        ASSERT_NEAR(at(found.frames, 9, i, c), turn[c] * scale, 2e-6 * std::max(scale, 0.1))
            << "width " << width << ", Gaussian " << i;
      }
    }
  }
}

TEST_F(Networks, move_the_same_for_any_number_of_workers) {
  const Head head(150, 91, 64);
  const gaussian::PackedScene packed(head.scene);
  const Arrays one = moved(head, packed, 1);
  for (const int workers : {2, 5}) {
    const Arrays many = moved(head, packed, workers);
    EXPECT_EQ(one.means, many.means);
    EXPECT_EQ(one.frames, many.frames);
  }
}

TEST_F(Networks, drawing_while_moving_is_moving_and_drawing_bit_for_bit) {
  const Head head(67, 31, 64);
  const gaussian::PackedScene packed(head.scene);
  const Arrays arrays = moved(head, packed, 1);
  gaussian::Splats splats = packed.splats();
  splats.means = arrays.means.data();
  splats.frames = arrays.frames.data();
  const gaussian::Camera& camera = head.scene.camera;
  const auto pixels = static_cast<std::size_t>(camera.width) * camera.height * 4;
  std::vector<std::uint8_t> expected(pixels), found(pixels);
  gaussian::RasterOptions options;
  options.layers_apart = true;
  for (const int workers : {1, 3}) {
    Workers pool(workers);
    gaussian::RasterLimits limits{head.scene.count, camera.width, camera.height, workers, 250'000, true};
    Aligned<std::byte> scratch(gaussian::raster_scratch_bytes(limits));
    gaussian::Target target{expected.data(), camera.width * 4};
    ASSERT_TRUE(rasterize_cpu(splats, camera, options, {}, target, limits, scratch.data(), pool).complete);
    target.rgba8 = found.data();
    gaussian::RasterHistory history;
    for (const bool all : {true, false, false}) {  // drawn, kept, shown again
      std::fill(found.begin(), found.end(), std::uint8_t{0});
      ASSERT_TRUE(rasterize_moved_cpu(packed.splats(), head.movement(), {nullptr, 0, all}, camera, options,
                                      {}, target, limits, scratch.data(), history, pool)
                      .complete);
      EXPECT_EQ(expected, found);
    }
  }
}

}  // namespace
}  // namespace talkrt::testing
