# SPDX-License-Identifier: Apache-2.0
"""A host whose pictures stay on the GPU: frames become torch tensors, without a copy.

python examples/python/torch_host.py PLAN AUDIO PICTURE

Fades every frame over a colour on the GPU, as a compositor would, and writes the last one.
"""

from __future__ import annotations

import sys
from pathlib import Path

import talkrt
from talkrt.audio import mono, open_audio
from talkrt.pictures import PngEncoder

try:
    import torch
except ImportError:
    sys.exit("this example needs PyTorch with CUDA: pip install torch")


def main(plan: str, audio: str, picture: str) -> None:
    if not torch.cuda.is_available():
        sys.exit("this example needs an NVIDIA GPU, and PyTorch sees none; host.py runs on the CPU")
    model = talkrt.Engine(device="cuda").load(plan)
    session = model.session(background="transparent", frame_memory="device")
    behind = torch.tensor([30.0, 60.0, 90.0], device="cuda")
    shown = None
    for piece in mono(open_audio(audio), model.sample_rate):
        while piece.size:
            piece = piece[session.push_audio(piece) :]
            for frame in session.frames():
                # torch's stream waits for the frame, the host does not.
                rgba = torch.from_dlpack(frame)  # uint8 [H, W, 4], the session's memory
                alpha = rgba[..., 3:].float() / 255
                shown = (rgba[..., :3].float() * alpha + behind * (1 - alpha)).byte()
                # The slot goes back to the session with the frame: what reads it must be done.
                torch.cuda.current_stream().synchronize()
                del rgba, frame
    if shown is None:
        sys.exit(f"{audio} is shorter than what a first frame needs to hear")
    opaque = torch.cat([shown, torch.full_like(shown[..., :1], 255)], dim=2)
    Path(picture).write_bytes(PngEncoder(session.size, opaque=True).encode(opaque.cpu().numpy()))


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    main(*sys.argv[1:])
