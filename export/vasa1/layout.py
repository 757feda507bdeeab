# SPDX-License-Identifier: Apache-2.0
"""Finds the model's files in a folder of weights as it is published, whatever lies around them.

    liveportrait/base_models/{appearance_feature_extractor,motion_extractor,warping_module,
                              spade_generator}.pth
    liveportrait/retargeting_models/stitching_retargeting_module.pth
    JoyVASA/motion_generator/*.pt
    JoyVASA/motion_template/motion_template.pkl

Each may also be a .safetensors file, and the folders may be others: the file's own name counts, and
for the motion generator, which is called by its training, the name of its folder.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ..checkpoint import CheckpointError

SUFFIXES = (".pth", ".pt", ".safetensors", ".bin")
ANIMALS = "liveportrait_animals"  # the same names, other weights
MOST_FILES = 10_000


@dataclass(frozen=True, slots=True)
class Files:
    appearance: Path
    motion: Path
    warping: Path
    generator: Path
    retargeting: Path
    motion_generator: Path
    template: Path


def find_files(folder: Path) -> Files:
    if not folder.is_dir():
        raise CheckpointError(f"{folder}: no such folder, expected one with the published weights")
    files: list[Path] = []
    for path in folder.rglob("*"):
        if len(files) == MOST_FILES:
            raise CheckpointError(f"{folder}: more than {MOST_FILES} files, expected weights alone")
        if ANIMALS not in path.parts and path.is_file():
            files.append(path)

    def named(stem: str) -> list[Path]:
        return [path for path in files if path.stem == stem and path.suffix in SUFFIXES]

    generators = [
        path
        for path in files
        if path.suffix in SUFFIXES
        and (path.parent.name == "motion_generator" or path.stem.startswith("motion_generator"))
    ]
    templates = [path for path in files if path.stem == "motion_template"]
    found = {
        "appearance": ("appearance_feature_extractor.pth", named("appearance_feature_extractor")),
        "motion": ("motion_extractor.pth", named("motion_extractor")),
        "warping": ("warping_module.pth", named("warping_module")),
        "generator": ("spade_generator.pth", named("spade_generator")),
        "retargeting": ("stitching_retargeting_module.pth", named("stitching_retargeting_module")),
        "motion_generator": ("motion_generator/*.pt", generators),
        "template": ("motion_template/motion_template.pkl", templates),
    }
    missing = [name for name, paths in found.values() if not paths]
    if missing:
        raise CheckpointError(f"{folder}: missing {', '.join(missing)}")
    for name, paths in found.values():
        if len(paths) > 1:
            listed = ", ".join(sorted(str(path.relative_to(folder)) for path in paths))
            raise CheckpointError(f"{folder}: {name} is there {len(paths)} times: {listed}")
    return Files(**{field: paths[0] for field, (_, paths) in found.items()})
