# SPDX-License-Identifier: Apache-2.0
"""One portrait and a voice: a one-shot keypoint renderer and a motion diffusion transformer."""
