# SPDX-License-Identifier: Apache-2.0
"""A host with CUDA kernels of its own: PyCUDA reads frames where the engine drew them.

python examples/python/pycuda_host.py PLAN AUDIO

Counts the pixels of each frame that the head covers, by a kernel compiled here.
"""

from __future__ import annotations

import sys

import numpy as np
import talkrt
from talkrt.audio import mono, open_audio

try:
    import pycuda.driver as cuda
    from pycuda.compiler import SourceModule
except ImportError:
    sys.exit("this example needs PyCUDA: pip install pycuda (it compiles against a CUDA toolkit)")

KERNEL = """
__global__ void covered(const uchar4* rgba, long long row, int width, int height, unsigned* count) {
  const int x = blockIdx.x * blockDim.x + threadIdx.x, y = blockIdx.y;
  const bool head = x < width && rgba[y * row + x].w > 127;
  const unsigned warp = __popc(__ballot_sync(0xffffffffu, head));
  if (threadIdx.x % 32 == 0) atomicAdd(count, warp);
}
"""


def main(plan: str, audio: str) -> None:
    try:
        cuda.init()
        cuda.Device(0)
    except cuda.Error as error:
        sys.exit(f"this example needs an NVIDIA GPU: {error}")
    # The primary context is the one that the engine, like every user of CUDA's runtime, works in.
    context = cuda.Device(0).retain_primary_context()
    context.push()
    try:
        talk(plan, audio)
    finally:
        context.pop()


def talk(plan: str, audio: str) -> None:
    covered = SourceModule(KERNEL).get_function("covered")
    model = talkrt.Engine(device="cuda").load(plan)
    session = model.session(background="transparent", frame_memory="device")
    count, stream = cuda.mem_alloc(4), cuda.Stream()
    for piece in mono(open_audio(audio), model.sample_rate):
        while piece.size:
            piece = piece[session.push_audio(piece) :]
            for frame in session.frames():
                pixels = frame.__cuda_array_interface__
                height, width, _ = pixels["shape"]
                frame.follow(stream.handle)  # our stream waits for the picture, the host does not
                cuda.memset_d32_async(count, 0, 1, stream)
                covered(
                    np.uintp(pixels["data"][0]),
                    np.int64(pixels["strides"][0] // 4),
                    np.int32(width),
                    np.int32(height),
                    count,
                    block=(128, 1, 1),
                    grid=((width + 127) // 128, height),
                    stream=stream,
                )
                found = np.empty(1, np.uint32)
                cuda.memcpy_dtoh_async(found, count, stream)
                stream.synchronize()  # before the frame, and with it the memory, goes back
                print(f"frame {frame.index}: the head covers {found[0] / (width * height):.1%}")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])
