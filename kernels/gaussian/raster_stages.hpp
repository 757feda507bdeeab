// SPDX-License-Identifier: Apache-2.0
//
// The stages of a frame, one set for each instruction set. The order they run in is rasterize_cpu.cpp.
#pragma once

#include "kernels/gaussian/deform.hpp"
#include "kernels/gaussian/projection.hpp"
#include "kernels/gaussian/raster_frame.hpp"

#ifndef TALKRT_CPU_PATH
#define TALKRT_CPU_PATH baseline
#endif

namespace talkrt::gaussian::TALKRT_CPU_PATH {

/// Fills records, rects, items[0] and chunks.
void project(RasterFrame& frame);

/// Sorts the visible items of items[0], which lie chunk by chunk, and sets frame.sorted. `all` sums up the
/// chunks.
void sort(RasterFrame& frame, const Chunk& all);

/// Fills tile_begin and tile_lists; the caller has checked that the lists fit.
void bin(RasterFrame& frame, const Chunk& all);

/// Draws every tile into the target.
void blend(RasterFrame& frame);

void project_only(const Splats& splats, const Camera& camera, const RasterOptions& options,
                  const Projection& out, Executor& executor);

void deform(const RigView& rig, const Pose& pose, const PosedSplats& out, Executor& executor);

}  // namespace talkrt::gaussian::TALKRT_CPU_PATH
