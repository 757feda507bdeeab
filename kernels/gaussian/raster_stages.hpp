// SPDX-License-Identifier: Apache-2.0
//
// The stages of a frame, one set for each instruction set. The order they run in is rasterize_cpu.cpp.
#pragma once

#include "kernels/gaussian/deform.hpp"
#include "kernels/gaussian/movement.hpp"
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

// The same for a frame of which only some Gaussians changed. keep() runs after project(), while items[0] is
// as it left them; the others replace the four stages above.

/// Fills keys and forgets all movers.
void keep(RasterFrame& frame);

/// Projects the blocks in `changes`. Marks which splats moved and which tiles they were and are in, and
/// updates `totals`, which are of the whole frame.
void project_changes(RasterFrame& frame, const Changes& changes, Totals& totals);

/// Sorts and bins the movers; copies the tiles that stay to `shown`. False: the movers exceed their room.
bool order_changes(RasterFrame& frame, const Target& shown);

/// Draws the dirty tiles into the kept picture and into `shown`.
void blend_changes(RasterFrame& frame, const Target& shown);

/// Copies the whole kept picture to `shown`.
void show(RasterFrame& frame, const Target& shown);

void move(const Splats& rest, const Movement& movement, const PosedSplats& out, Executor& executor);

void deform(const RigView& rig, const Pose& pose, const PosedSplats& out, Executor& executor);

}  // namespace talkrt::gaussian::TALKRT_CPU_PATH
