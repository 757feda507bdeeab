# SPDX-License-Identifier: Apache-2.0
"""Which of the graphs compute in float16. Only what costs is halved: the two graphs of a frame,
where 99 % of the products are. Float32 islands (export/half_precision.py):

- the motion extractor (response norms, norms with eps 1e-6, the pose's softmax), the speech
  network, the denoiser and its diffusion, the stitching: whole graphs, in float32 as they are;
- `warp`: keypoints' shifts and heat, the masks' softmax, the deformation, the coordinates and row
  numbers of cells (a step near row 65,536 would be 32 rows), the weights of the eight reads,
  occlusion;
- `picture`: the statistics of instance norms over 256 x 256 pixels, the last sigmoid.
"""

from __future__ import annotations

from dataclasses import replace

from ..half_precision import halve
from ..to_onnx import OnnxGraph

HALVED = ("warp", "picture")  # graphs


def halved(exported: OnnxGraph) -> OnnxGraph:
    """The same graph with float16 in it and its convolutions' weights in float16."""
    found = halve(exported.model, exported.graph.name, exported.weights)
    return replace(exported, model=found.model, weights=found.weights)
