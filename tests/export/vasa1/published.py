# SPDX-License-Identifier: Apache-2.0
"""A folder of weights as it is published: LivePortrait's files, JoyVASA's, and its template."""

from __future__ import annotations

import argparse
import pickle

import numpy as np
import torch
from talkrt.export.vasa1 import diffusion

BASE = {
    "appearance": "appearance_feature_extractor",
    "motion": "motion_extractor",
    "warping": "warping_module",
    "generator": "spade_generator",
}
ENTRIES = {"stitching": "retarget_shoulder", "eyes": "retarget_eye", "lips": "retarget_mouth"}


def template(keypoints=21):
    random = np.random.default_rng(1)
    found = {
        f"{kind}_{name}": random.normal(size=size).astype(np.float32)
        for kind in ("mean", "std", "min", "max")
        for name, size in (("exp", 3 * keypoints), ("t", 3))
    }
    for kind in ("mean", "std", "min", "max"):
        for name in ("scale", "pitch", "yaw", "roll"):
            found[f"{kind}_{name}"] = np.float32(random.normal())
    return found


def motion_state(net):
    state = dict(net.state_dict())
    config = net.config
    state["denoising_net.alignment_mask"] = ~torch.eye(config.length, dtype=torch.bool)
    state["denoising_net.TE.pe"] = torch.zeros(1, 501, config.width)
    state["denoising_net.PE.pe"] = torch.zeros(1, 600, config.width)
    betas = diffusion.cosine(config.steps).betas
    state["diffusion_sched.betas"] = torch.from_numpy(betas.astype(np.float32))
    return state


def arguments(net, **changed):
    config = net.config
    named = {
        "motion_feat_dim": config.motion,
        "n_motions": config.frames,
        "n_prev_motions": config.previous,
        "feature_dim": config.width,
        "n_diff_steps": config.steps,
        "fps": 25,
        "audio_model": "hubert_zh_ori",
    }
    return argparse.Namespace(**(named | changed))


def write(folder, renderer, motion):
    """In .pth."""
    base = folder / "liveportrait" / "base_models"
    corrections = folder / "liveportrait" / "retargeting_models"
    for path in (base, corrections, folder / "JoyVASA" / "motion_generator"):
        path.mkdir(parents=True)
    for field, stem in BASE.items():
        torch.save(getattr(renderer, field).state_dict(), base / f"{stem}.pth")
    nested = {
        entry: {f"module.{k}": v for k, v in getattr(renderer, field).state_dict().items()}
        for field, entry in ENTRIES.items()
    }
    torch.save(nested, corrections / "stitching_retargeting_module.pth")
    checkpoint = {"args": arguments(motion), "model": motion_state(motion), "iter": 20000}
    torch.save(checkpoint, folder / "JoyVASA" / "motion_generator" / "iter_0020000.pt")
    (folder / "JoyVASA" / "motion_template").mkdir()
    file = folder / "JoyVASA" / "motion_template" / "motion_template.pkl"
    file.write_bytes(pickle.dumps(template(), protocol=5))
