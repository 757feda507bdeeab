// SPDX-License-Identifier: Apache-2.0
#include "kernels/gaussian/scalar_reference.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <tuple>

namespace talkrt::gaussian::scalar {
namespace {

// Constants as float32 holds them: with decimal doubles a second saturated splat would be drawn.
constexpr double kMaxAlpha = 0.99f, kMinAlpha = 1.0f / 255.0f, kMinTransmittance = 1e-4f;

struct Splat {
  int layer, index;
  double x, y, z;  // pixels, pixels, depth
  double a, b, c;  // inverse covariance
  double rx, ry;   // half sides of the box where alpha can reach 1/255
  double radius;   // of Inria's square, before it is rounded up
  double opacity;
  std::array<double, 3> color;
};

std::array<double, 16> sh_basis(double x, double y, double z) {
  return {0.28209479177387814,
          -0.4886025119029199 * y,
          0.4886025119029199 * z,
          -0.4886025119029199 * x,
          1.0925484305920792 * x * y,
          -1.0925484305920792 * y * z,
          0.31539156525252005 * (2 * z * z - x * x - y * y),
          -1.0925484305920792 * x * z,
          0.5462742152960396 * (x * x - y * y),
          -0.5900435899266435 * y * (3 * x * x - y * y),
          2.890611442640554 * x * y * z,
          -0.4570457994644658 * y * (4 * z * z - x * x - y * y),
          0.3731763325901154 * z * (2 * z * z - 3 * x * x - 3 * y * y),
          -0.4570457994644658 * x * (4 * z * z - x * x - y * y),
          1.445305721320277 * z * (x * x - y * y),
          -0.5900435899266435 * x * (x * x - 3 * y * y)};
}

std::array<double, 3> color_of(const Scene& scene, int i) {
  const float* m = scene.camera.viewmat;
  double d[3], length = 0;
  for (int axis = 0; axis < 3; ++axis) {
    double eye = 0;  // -R^T t
    for (int row = 0; row < 3; ++row) eye -= static_cast<double>(m[4 * row + axis]) * m[4 * row + 3];
    d[axis] = scene.means[i * 3 + axis] - eye;
    length += d[axis] * d[axis];
  }
  length = std::sqrt(length);
  const float* own = scene.sh.data() + static_cast<std::ptrdiff_t>(i) * sh_bases(scene.sh_degree) * 3;
  if (scene.sh_degree == kPlainColors) return {own[0], own[1], own[2]};
  const auto basis = sh_basis(d[0] / length, d[1] / length, d[2] / length);
  const int bases = sh_bases(scene.sh_degree);
  std::array<double, 3> rgb{};
  for (int c = 0; c < 3; ++c) {
    double sum = 0.5;
    for (int k = 0; k < bases; ++k) sum += basis[k] * scene.sh[(i * bases + k) * 3 + c];
    rgb[c] = std::max(0.0, sum);
  }
  return rgb;
}

bool project(const Scene& scene, int i, Splat& out) {
  const auto& camera = scene.camera;
  const float* m = camera.viewmat;
  const double fx = camera.K[0], fy = camera.K[4], cx = camera.K[2], cy = camera.K[5];
  double t[3];
  for (int row = 0; row < 3; ++row) {
    t[row] = m[4 * row + 3];
    for (int k = 0; k < 3; ++k) t[row] += static_cast<double>(m[4 * row + k]) * scene.means[i * 3 + k];
  }
  const double z = t[2];
  const bool inria = scene.options.convention == Convention::inria;
  if (!(z >= scene.options.near_plane && z <= scene.options.far_plane)) return false;
  if (inria && z == scene.options.near_plane) return false;
  double view_cov[3][3] = {};  // V F F^T V^T
  double vf[3][3];
  for (int r = 0; r < 3; ++r) {
    for (int c = 0; c < 3; ++c) {
      vf[r][c] = 0;
      for (int k = 0; k < 3; ++k)
        vf[r][c] += static_cast<double>(m[4 * r + k]) * scene.frames[i * 9 + k * 3 + c];
    }
  }
  for (int r = 0; r < 3; ++r) {
    for (int c = 0; c < 3; ++c) {
      for (int k = 0; k < 3; ++k) view_cov[r][c] += vf[r][k] * vf[c][k];
    }
  }
  const double tan_x = 0.5 * camera.width / fx, tan_y = 0.5 * camera.height / fy;
  double u = std::clamp(t[0] / z, -cx / fx - 0.3 * tan_x, (camera.width - cx) / fx + 0.3 * tan_x);
  double v = std::clamp(t[1] / z, -cy / fy - 0.3 * tan_y, (camera.height - cy) / fy + 0.3 * tan_y);
  if (inria) {
    u = std::clamp(t[0] / z, -1.3 * tan_x, 1.3 * tan_x);
    v = std::clamp(t[1] / z, -1.3 * tan_y, 1.3 * tan_y);
  }
  const double j[2][3] = {{fx / z, 0, -fx * u / z}, {0, fy / z, -fy * v / z}};
  double cov[2][2] = {};
  for (int r = 0; r < 2; ++r) {
    for (int c = 0; c < 2; ++c) {
      for (int k = 0; k < 3; ++k) {
        for (int l = 0; l < 3; ++l) cov[r][c] += j[r][k] * view_cov[k][l] * j[c][l];
      }
    }
  }
  const double before = cov[0][0] * cov[1][1] - cov[0][1] * cov[0][1];
  const double xx = cov[0][0] + scene.options.eps2d, yy = cov[1][1] + scene.options.eps2d, xy = cov[0][1];
  const double det = xx * yy - xy * xy;
  double opacity = scene.opacities[i];
  if (scene.options.antialias) {
    opacity *= std::sqrt(std::max(static_cast<double>(0.000025f), before / det));
  }
  if (!(opacity >= kMinAlpha)) return false;
  const double reach = std::sqrt(2 * std::log(opacity / kMinAlpha));
  const double middle = (xx + yy) / 2;
  const double radius = 3 * std::sqrt(middle + std::sqrt(std::max(0.1, middle * middle - det)));
  const double clip = scene.options.radius_clip;
  if (inria && std::ceil(radius) <= clip) return false;
  if (!inria && std::ceil(reach * std::sqrt(xx)) <= clip && std::ceil(reach * std::sqrt(yy)) <= clip) {
    return false;
  }
  out = {scene.layers.empty() ? 0 : scene.layers[i],
         i,
         fx * t[0] / z + cx,
         fy * t[1] / z + cy,
         z,
         yy / det,
         -xy / det,
         xx / det,
         reach * std::sqrt(xx),
         reach * std::sqrt(yy),
         radius,
         opacity,
         color_of(scene, i)};
  return true;
}

/// First and last pixel whose centre can be inside, one more than needed at each end.
std::pair<int, int> pixels_within(double center, double reach, int size) {
  return {static_cast<int>(std::floor(std::clamp(center - reach - 1.5, 0.0, static_cast<double>(size)))),
          static_cast<int>(std::ceil(std::clamp(center + reach + 1.5, 0.0, static_cast<double>(size))))};
}

/// Whether Inria lists the splat in the tile that begins at pixel `begin`: min = int((x - r) / 16) to
/// max = int((x + r + 15) / 16), the last not included, where x counts from the centre of the first pixel.
bool in_inria_tile(double center, double radius, int begin) {
  const double x = center - 0.5, r = std::ceil(radius);
  return std::floor((x - r) / 16) * 16 <= begin && begin < std::floor((x + r + 15) / 16) * 16;
}

/// That, and whether float32 might see it the other way.
struct Listed {
  bool sure = true, listed = true;
};

Listed listed_by_inria(const Splat& s, int x, int y) {
  const int tile_x = x / 16 * 16, tile_y = y / 16 * 16;
  const auto with = [&](double shift, double grow) {
    return in_inria_tile(s.x + shift, s.radius * (1 + grow), tile_x) &&
           in_inria_tile(s.y + shift, s.radius * (1 + grow), tile_y);
  };
  Listed out{true, with(0, 0)};
  for (const double shift : {-1e-3, 1e-3}) {
    for (const double grow : {-1e-5, 1e-5}) out.sure = out.sure && with(shift, grow) == out.listed;
  }
  return out;
}

}  // namespace

ReferencePicture render_reference(const Scene& scene) {
  std::vector<Splat> splats;
  for (int i = 0; i < scene.count; ++i) {
    Splat splat;
    if (project(scene, i, splat)) splats.push_back(splat);
  }
  std::sort(splats.begin(), splats.end(), [](const Splat& p, const Splat& q) {
    return std::tie(p.layer, p.z, p.index) < std::tie(q.layer, q.z, q.index);
  });

  const bool inria = scene.options.convention == Convention::inria;
  const int width = scene.camera.width, height = scene.camera.height;
  const auto pixels = static_cast<std::size_t>(width) * height;
  ReferencePicture out{width, height, std::vector<double>(pixels * 4), std::vector<double>(pixels),
                       std::vector<bool>(pixels)};
  std::vector<double> transmittance(pixels, 1.0);
  std::vector<bool> done(pixels);
  for (const Splat& s : splats) {
    const auto [x0, x1] = pixels_within(s.x, s.rx, width);
    const auto [y0, y1] = pixels_within(s.y, s.ry, height);
    for (int y = y0; y < y1; ++y) {
      for (int x = x0; x < x1; ++x) {
        const std::size_t pixel = static_cast<std::size_t>(y) * width + x;
        if (done[pixel]) continue;
        const double dx = s.x - (x + 0.5), dy = s.y - (y + 0.5);
        const double power = -0.5 * (s.a * dx * dx + s.c * dy * dy) - s.b * dx * dy;
        if (power > 0) continue;
        const double alpha = std::min(kMaxAlpha, s.opacity * std::exp(power));
        if (std::abs(alpha - kMinAlpha) < 1e-5) out.boundary[pixel] = true;
        if (alpha < kMinAlpha) continue;
        if (inria) {
          const Listed tile = listed_by_inria(s, x, y);
          if (!tile.sure) out.boundary[pixel] = true;
          if (!tile.listed) continue;
        }
        double& left = transmittance[pixel];
        const double after = left * (1 - alpha);
        if (std::abs(after - kMinTransmittance) < 1e-6) out.boundary[pixel] = true;
        if (inria ? after < kMinTransmittance : after <= kMinTransmittance) {
          done[pixel] = true;
          continue;
        }
        for (int c = 0; c < 3; ++c) out.rgba[pixel * 4 + c] += alpha * left * s.color[c];
        out.depth[pixel] += alpha * left * s.z;
        left = after;
      }
    }
  }
  for (std::size_t pixel = 0; pixel < pixels; ++pixel) {
    const double alpha = 1 - transmittance[pixel];
    out.rgba[pixel * 4 + 3] = alpha;
    out.depth[pixel] = alpha > 0 ? out.depth[pixel] / alpha : 0;
    for (int c = 0; c < 3; ++c) {
      const double behind = scene.backdrop == Backdrop::color   ? scene.color[c]
                            : scene.backdrop == Backdrop::image ? scene.image[pixel * 3 + c] / 255.0
                                                                : 0.0;
      out.rgba[pixel * 4 + c] += transmittance[pixel] * behind;
    }
  }
  return out;
}

}  // namespace talkrt::gaussian::scalar
