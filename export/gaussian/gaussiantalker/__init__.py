# SPDX-License-Identifier: Apache-2.0
"""Avatars that GaussianTalker trained: one cloud, moved by attention to audio, blink and camera."""
