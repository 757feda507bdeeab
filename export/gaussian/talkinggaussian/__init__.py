# SPDX-License-Identifier: Apache-2.0
"""Avatars that TalkingGaussian trained: a face and a mouth, each moved by a network."""
