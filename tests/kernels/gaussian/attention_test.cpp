// SPDX-License-Identifier: Apache-2.0
//
// Gaussians that attend to tokens, against the formulas of export/FORMAT.md, section 8.1, as they are written
// there, in double precision; and drawing them against moving them into arrays and drawing those.
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
using Numbers = std::vector<double>;

using Attention = KernelTest;

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

Numbers sum(Numbers a, const float* b) {
  for (std::size_t i = 0; i < a.size(); ++i) a[i] += b[i];
  return a;
}
Numbers relu(Numbers a) {
  for (double& v : a) v = std::max(v, 0.0);
  return a;
}

struct Normed {
  Numbers values;
  double inverse;
};
Normed norm(Numbers v) {
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

Arrays moved(const Head& head, const gaussian::PackedScene& packed, int workers) {
  const gaussian::Splats& rest = packed.splats();
  const auto lanes = static_cast<std::size_t>(gaussian::blocks_of(rest.count)) * kBlock;
  const auto colors = 3 * static_cast<std::size_t>(gaussian::sh_bases(rest.sh_degree));
  Arrays out{{rest.means, rest.means + 3 * lanes},
             {rest.frames, rest.frames + 9 * lanes},
             {rest.opacities, rest.opacities + lanes},
             {rest.sh, rest.sh + colors * lanes}};
  Workers pool(workers);
  gaussian::move_cpu(rest, head.movement(),
                     {out.means.data(), out.frames.data(), out.opacities.data(), out.sh.data()}, pool);
  return out;
}

void expect_formulas(const Head& head) {
  const gaussian::PackedScene packed(head.scene);
  const Arrays found = moved(head, packed, 2);
  const int colors = 3 * gaussian::sh_bases(head.scene.sh_degree);
  const double strength = head.input.strength;
  for (int i = 0; i < head.scene.count; ++i) {
    const auto near = [&](const Aligned<float>& of, int rows, int c, double expected, double bound) {
      ASSERT_NEAR(Net::at(of, rows, i, c), expected, bound) << "Gaussian " << i << ", number " << c;
    };
    const int own = i - kBlock;
    if (own < 0 || own >= head.net.view.count) {
      for (int c = 0; c < 3; ++c) near(found.means, 3, c, head.scene.means[i * 3 + c], 0);
      for (int c = 0; c < 9; ++c) near(found.frames, 9, c, head.scene.frames[i * 9 + c], 0);
      near(found.opacities, 1, 0, head.scene.opacities[i], 0);
      for (int c = 0; c < colors; ++c) near(found.sh, colors, c, head.scene.sh[i * colors + c], 0);
      continue;
    }
    const std::vector<Numbers> d = head.net.of(own);
    for (int c = 0; c < 3; ++c) {
      near(found.means, 3, c, head.scene.means[i * 3 + c] + strength * d[0][c], 1e-5);
    }
    double q[4], length = 0;
    for (int c = 0; c < 4; ++c) {
      q[c] = Net::at(head.net.quats, 4, own, c) + strength * d[1][c];
      length += q[c] * q[c];
    }
    for (double& c : q) c /= std::sqrt(length);
    const double w = q[0], x = q[1], y = q[2], z = q[3];
    const double turn[9] = {1 - 2 * (y * y + z * z), 2 * (x * y - w * z),     2 * (x * z + w * y),
                            2 * (x * y + w * z),     1 - 2 * (x * x + z * z), 2 * (y * z - w * x),
                            2 * (x * z - w * y),     2 * (y * z + w * x),     1 - 2 * (x * x + y * y)};
    for (int c = 0; c < 9; ++c) {
      const double scale = std::exp(Net::at(head.net.scales, 3, own, c % 3) + strength * d[2][c % 3]);
      near(found.frames, 9, c, turn[c] * scale, 1e-4 * std::max(scale, 0.1));
    }
    const double fade = Net::at(head.net.opacities, 1, own, 0) + strength * d[3][0];
    near(found.opacities, 1, 0, 1 / (1 + std::exp(-fade)), 1e-5);
    for (int c = 0; c < colors; ++c) {
      near(found.sh, colors, c, head.scene.sh[i * colors + c] + strength * d[4][c], 1e-5);
    }
  }
}

TEST_F(Attention, follows_the_formulas_at_the_published_widths) {
  expect_formulas(Head({5, 3, 1, 64, 128, 2, 3, 128, 3}));
}
TEST_F(Attention, follows_the_formulas_in_two_layers) {
  expect_formulas(Head({4, 1, 2, 64, 128, 2, 3, 128, 3}, 0.5f));
}
TEST_F(Attention, follows_the_formulas_at_odd_widths) {
  expect_formulas(Head({2, 9, 3, 21, 37, 3, 5, 13, 1}, 1.5f));
  expect_formulas(Head({1, 15, 1, 256, 256, 8, 4, 256, 0}));
}

TEST_F(Attention, moves_the_same_for_any_number_of_workers) {
  const Head head({131, 5, 1, 64, 128, 2, 3, 128, 3});
  const gaussian::PackedScene packed(head.scene);
  const Arrays one = moved(head, packed, 1);
  EXPECT_EQ(one, moved(head, packed, 2));
  EXPECT_EQ(one, moved(head, packed, 5));
}

TEST_F(Attention, attributes_without_a_branch_stay) {
  Head head({3, 2, 1, 64, 128, 2, 3, 128, 1});
  for (const int o : {1, 3, 4}) head.net.branch(o) = {};
  const gaussian::PackedScene packed(head.scene);
  const Arrays found = moved(head, packed, 1);
  EXPECT_TRUE(std::equal(found.opacities.begin(), found.opacities.end(), packed.splats().opacities));
  EXPECT_TRUE(std::equal(found.sh.begin(), found.sh.end(), packed.splats().sh));
  EXPECT_FALSE(std::equal(found.means.begin(), found.means.end(), packed.splats().means));
  EXPECT_FALSE(std::equal(found.frames.begin(), found.frames.end(), packed.splats().frames));
}

TEST_F(Attention, drawing_while_moving_is_moving_and_drawing_bit_for_bit) {
  const Head head({133, 7, 1, 64, 128, 2, 3, 128, 3}, 0.1f);
  const gaussian::PackedScene packed(head.scene);
  const Arrays arrays = moved(head, packed, 1);
  gaussian::Splats splats = packed.splats();
  splats.means = arrays.means.data();
  splats.frames = arrays.frames.data();
  splats.opacities = arrays.opacities.data();
  splats.sh = arrays.sh.data();
  const gaussian::Camera& camera = head.scene.camera;
  const auto pixels = static_cast<std::size_t>(camera.width) * camera.height * 4;
  std::vector<std::uint8_t> expected(pixels), found(pixels);
  for (const int workers : {1, 3}) {
    Workers pool(workers);
    gaussian::RasterLimits limits{head.scene.count, camera.width, camera.height, workers, 900'000, true};
    Aligned<std::byte> scratch(gaussian::raster_scratch_bytes(limits));
    gaussian::Target target{expected.data(), camera.width * 4};
    const auto stats = rasterize_cpu(splats, camera, {}, {}, target, limits, scratch.data(), pool);
    ASSERT_TRUE(stats.complete) << stats.intersections;
    ASSERT_GT(stats.visible, 500U);
    target.rgba8 = found.data();
    gaussian::RasterHistory history;
    std::fill(found.begin(), found.end(), std::uint8_t{0});
    ASSERT_TRUE(rasterize_moved_cpu(packed.splats(), head.movement(), {nullptr, 0, true}, camera, {}, {},
                                    target, limits, scratch.data(), history, pool)
                    .complete);
    EXPECT_EQ(expected, found);
  }
}

}  // namespace
}  // namespace talkrt::testing
