# SPDX-License-Identifier: Apache-2.0
"""Avatars that people trained, with whatever program, to plans of model `avatar` (FORMAT.md, 8)."""
