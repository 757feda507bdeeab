// SPDX-License-Identifier: Apache-2.0
//
// Stage 1 of 4: Gaussians to splats on the image plane, a chunk of blocks at a time.
#include "kernels/gaussian/projector.hpp"
#include "kernels/gaussian/raster_stages.hpp"

namespace talkrt::gaussian::TALKRT_CPU_PATH {

void project(RasterFrame& frame) {
  const View view(frame.camera, frame.options);
  const int blocks = blocks_of(frame.splats.count);
  frame.executor.for_each(frame.chunks, [&](int task, int) {
    Projector projector(frame, view);
    Chunk chunk;
    SortItem* items = frame.scratch.items[0] + static_cast<std::ptrdiff_t>(task) * kChunk;
    const int begin = task * kChunkBlocks;
    const int end = begin + kChunkBlocks < blocks ? begin + kChunkBlocks : blocks;
    for (int b = begin; b < end; ++b) projector.block(b, chunk, items);
    projector.finish(chunk);
    frame.scratch.chunks[task] = chunk;
  });
}

}  // namespace talkrt::gaussian::TALKRT_CPU_PATH
