# SPDX-License-Identifier: Apache-2.0
"""Memory of a GPU that plans of each kind of model may take, unless a load says otherwise: what a
card of the smallest size that is meant for it offers."""

from __future__ import annotations

# bytes, for the model and its sessions together
DEVICE_BUDGETS = {
    "gaussian": 12 << 30,
    "avatar": 12 << 30,  # trained ones are Gaussians too
    "scene": 12 << 30,
    "vasa1": 16 << 30,
    "emo": 24 << 30,
    "musetalk": 8 << 30,
}
