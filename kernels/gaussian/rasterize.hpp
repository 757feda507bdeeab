// SPDX-License-Identifier: Apache-2.0
//
// Gaussian splatting, forward: project, sort, bin, blend, resolve. Semantics: gsplat's (pixel centres at
// .5, exact alpha >= 1/255 extent, front-to-back, the splat that would take transmittance to 1e-4 or
// below is excluded), with the constants rounded to fp32; or, as an option, those of Inria's rasterizer.
// Deterministic: the picture is bit-identical for any number of workers.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/executor.hpp"
#include "kernels/gaussian/deform.hpp"
#include "kernels/gaussian/movement.hpp"
#include "kernels/gaussian/splats.hpp"

namespace talkrt::gaussian {

inline constexpr float kMinAlpha = 1.0f / 255.0f;  // below one 8-bit step a splat cannot be seen
inline constexpr float kMaxAlpha = 0.99f;          // as 3DGS trains; keeps transmittance above zero
inline constexpr float kMinTransmittance = 1e-4f;  // at or below this a pixel is done
inline constexpr float kDilation = 0.3f;           // pixel^2 added to the 2D covariance

/// Whose rules decide where two renderers of the same scene differ:
///
///                    gsplat                                  inria
///   near plane       drawn on it                             not drawn on it
///   a splat reaches  every pixel with alpha >= 1/255         the tiles of a square of radius
///                                                            ceil(3 sqrt(larger eigenvalue))
///   Jacobian clamp   15 % around the image                   15 % around the image as if the
///                                                            principal point were its centre
///   a pixel stops    before transmittance <= 1e-4            before transmittance < 1e-4
///
/// Inria's own code has no principal point at all (it is the centre) and lists splats fainter than 1/255
/// too, which colour nothing; here they are left out.
enum class Convention { gsplat, inria };

/// The near plane each of them uses unless told otherwise.
constexpr float default_near_plane(Convention convention) {
  return convention == Convention::inria ? 0.2f : 0.01f;
}

struct RasterOptions {
  bool antialias = false;                                     // opacity compensation for the dilation
  float near_plane = default_near_plane(Convention::gsplat);  // at least 1e-20 is taken
  float far_plane = 1e10f;
  float eps2d = kDilation;  // added to both variances of the 2D covariance, pixel^2, at least 0
  float radius_clip = 0;    // splats whose radius is at most this many pixels are not drawn
  Convention convention = Convention::gsplat;
  int layer = -1;             // the only one that is drawn; -1: all
  bool layers_apart = false;  // layer 1 is a picture of its own, drawn as if alone, under that of layer 0

  bool operator==(const RasterOptions&) const = default;
};

enum class Backdrop { color, image, transparent, picture };

struct Background {
  Backdrop kind = Backdrop::color;
  float color[3] = {0, 0, 0};           // display-referred, 0 to 1
  const std::uint8_t* image = nullptr;  // RGB8 [height, width, 3], of the target's size
  const float* picture = nullptr;       // the same in floats, 0 to 1

  // With layers apart, [height, width]: how much of it layer 1 hides, instead of that layer's own alpha.
  const float* hidden = nullptr;

  bool operator==(const Background&) const = default;
};

/// A float picture whose channels lie where the caller wants them, rows without gaps; strides are floats from
/// one pixel to the next. Any pointer may be null. Colour is premultiplied over the background.
struct Channels {
  float* color = nullptr;
  int color_count = 3;  // of red, green and blue, that many
  std::ptrdiff_t color_stride = 3;
  float* alpha = nullptr;  // 1 - transmittance
  std::ptrdiff_t alpha_stride = 1;
  float* depth = nullptr;  // sum(w z), or that over alpha (0 where empty) when `expected`
  std::ptrdiff_t depth_stride = 1;
  bool expected = false;
};

/// Where pixels go. Any pointer may be null. RGBA8 is rounded to nearest and clamped; with a
/// transparent background its RGB is not premultiplied. rgba_float is premultiplied RGB over the
/// background, and alpha = 1 - transmittance; depth is the expected depth sum(w z) / alpha, 0 where empty.
struct Target {
  std::uint8_t* rgba8 = nullptr;
  std::int64_t rgba8_stride = 0;  // bytes from one row to the next
  float* rgba_float = nullptr;    // [height, width, 4]
  float* depth = nullptr;         // [height, width]
  const Channels* channels = nullptr;
  bool cut_off = false;  // bytes are cut off, not rounded; of a picture behind nothing they stay the same
};

/// Sizes the scratch of rasterize_cpu. `intersections` bounds (splat, tile) pairs.
struct RasterLimits {
  int count = 0;
  int width = 0, height = 0;
  int workers = 1;
  std::size_t intersections = 0;
  bool history = false;  // room for what rasterize_changes_cpu keeps

  bool operator==(const RasterLimits&) const = default;
};

std::size_t raster_scratch_bytes(const RasterLimits& limits);

struct RasterStats {
  std::size_t visible = 0;
  std::size_t intersections = 0;  // that this view has
  bool complete = false;          // false: they exceed the limit and nothing was drawn; grow and repeat
  std::size_t invalid = 0;        // dropped: NaN or infinite parameters, or beyond what fp32 can project
  std::size_t tiles_drawn = 0;    // of 16x16 pixels; the others hold what they held
  std::uint64_t project_ns = 0, sort_ns = 0, bin_ns = 0, blend_ns = 0;
};

/// `scratch` is 64-byte aligned, raster_scratch_bytes(limits) long, and may be reused between frames.
/// Throws std::invalid_argument when the arguments contradict each other or the limits.
RasterStats rasterize_cpu(const Splats& splats, const Camera& camera, const RasterOptions& options,
                          const Background& background, const Target& target, const RasterLimits& limits,
                          std::byte* scratch, Executor& executor);

/// Which Gaussians may differ from those of the last call.
struct Changes {
  const std::uint32_t* blocks = nullptr;  // [count] ascending numbers of blocks of 16
  int count = 0;
  bool all = false;  // any of them
};

/// What rasterize_changes_cpu knows of its last frame, beside what it left in the scratch. The caller keeps
/// it with the scratch and fills nothing in; a fresh one knows nothing, which is always right.
struct RasterHistory {
  bool seen = false;    // a frame was drawn, of what the next fields say
  bool listed = false;  // and the scratch has its splats, lists and picture
  const std::byte* scratch = nullptr;
  RasterLimits limits;
  int count = 0, sh_degree = 0;
  Camera camera;
  RasterOptions options;
  Background background;
  std::size_t visible = 0, intersections = 0;
};

/// Draws what rasterize_cpu draws, bit for bit, and spares what it can: while camera, options, background and
/// size stay and few Gaussians change, only these are projected and only tiles that they touch, or touched,
/// are drawn again; the other tiles are copied from the last picture. The target may be another one every
/// time and need hold nothing; one that wants floats or depth is drawn in full.
///
/// `limits.history` is set. Gaussians outside of `changes`, the picture behind them and the scratch must be
/// what they were in the last call with this history.
RasterStats rasterize_changes_cpu(const Splats& splats, const Changes& changes, const Camera& camera,
                                  const RasterOptions& options, const Background& background,
                                  const Target& target, const RasterLimits& limits, std::byte* scratch,
                                  RasterHistory& history, Executor& executor);

/// The same for a rigged avatar, which is posed on the way: a block's posed Gaussians never leave the cache.
/// Draws what deform_cpu and rasterize_changes_cpu one after the other draw, bit for bit.
RasterStats rasterize_rig_cpu(const RigView& rig, const Pose& pose, const Changes& changes,
                              const Camera& camera, const RasterOptions& options,
                              const Background& background, const Target& target, const RasterLimits& limits,
                              std::byte* scratch, RasterHistory& history, Executor& executor);

/// The same for an avatar that networks move.
RasterStats rasterize_moved_cpu(const Splats& rest, const Movement& movement, const Changes& changes,
                                const Camera& camera, const RasterOptions& options,
                                const Background& background, const Target& target,
                                const RasterLimits& limits, std::byte* scratch, RasterHistory& history,
                                Executor& executor);

/// "avx512", "avx2" or "baseline": the widest path this CPU can run, or what TALKRT_CPU names. Settled at
/// the first use of any kernel. Throws std::invalid_argument when TALKRT_CPU names no path that can run here.
const char* cpu_path();

}  // namespace talkrt::gaussian
