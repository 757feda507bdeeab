// SPDX-License-Identifier: Apache-2.0
//
// The kernels compiled for one instruction set, and the choice among them at run time.
#pragma once

#include "kernels/gaussian/deform.hpp"
#include "kernels/gaussian/movement.hpp"
#include "kernels/gaussian/projection.hpp"
#include "kernels/gaussian/raster_frame.hpp"

namespace talkrt::gaussian {

struct CpuPath {
  const char* name;
  void (*project)(RasterFrame&);
  void (*sort)(RasterFrame&, const Chunk& all);
  void (*bin)(RasterFrame&, const Chunk& all);
  void (*blend)(RasterFrame&);
  void (*keep)(RasterFrame&);
  void (*project_changes)(RasterFrame&, const Changes&, Totals&);
  bool (*order_changes)(RasterFrame&, const Target& shown);
  void (*blend_changes)(RasterFrame&, const Target& shown);
  void (*show)(RasterFrame&, const Target& shown);
  void (*move)(const Splats&, const Movement&, const PosedSplats&, Executor&);
  void (*deform)(const RigView&, const Pose&, const PosedSplats&, Executor&);
  void (*project_only)(const Splats&, const Camera&, const RasterOptions&, const Projection&, Executor&);
};

/// The path that TALKRT_CPU names, else the widest that this CPU can run.
const CpuPath& active_cpu_path();

}  // namespace talkrt::gaussian
