# SPDX-License-Identifier: Apache-2.0
"""What people's folders look like: every kind of audio features, and what may be wrong."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the export extra is not installed")

from talkrt.export.checkpoint import CheckpointError  # noqa: E402
from talkrt.export.gaussian.bake_proof import BakeProof  # noqa: E402
from talkrt.export.gaussian.talkinggaussian.avatar import avatar_source  # noqa: E402
from talkrt.export.gaussian.talkinggaussian.checkpoint import read_talkinggaussian  # noqa: E402
from talkrt.export.gaussian.trained import convert  # noqa: E402
from talkrt.export.gaussian.trained.check import frame_inputs, reference_pictures  # noqa: E402
from talkrt.export.gaussian.trained.convert import (  # noqa: E402
    AvatarOptions,
    export_gaussiantalker,
    export_talkinggaussian,
)
from talkrt.export.gaussian.trained.kernel_proof import prove_kernel  # noqa: E402
from talkrt.export.gaussian.trained.played import dataset_folder, read_played  # noqa: E402
from talkrt.export.parity import ParityError  # noqa: E402
from talkrt.export.report import Steps  # noqa: E402

GOLDEN = Path(__file__).parents[2] / "data" / "golden" / "gaussian"


@pytest.fixture
def folder(tmp_path: Path, made_up: Any) -> Path:
    made_up(tmp_path)
    return tmp_path


def export(folder: Path, **options: Any) -> Path:
    output = folder / "out.plan"
    export_talkinggaussian(folder / "model", output, AvatarOptions(**options), Steps(quiet=True))
    return output


@pytest.mark.parametrize(
    ("channels", "extractor"), [(29, "deepspeech"), (44, "esperanto"), (1024, "hubert")]
)
def test_every_kind_of_features_is_known_by_the_checkpoint(
    tmp_path: Path, made_up: Any, channels: int, extractor: str
) -> None:
    made_up(tmp_path, face=40, mouth=24, frames=12, side=32, channels=channels)
    trained = read_talkinggaussian(tmp_path / "model")
    assert (trained.extractor, trained.channels) == (extractor, channels)
    played = read_played(
        dataset_folder(tmp_path / "model") or tmp_path,
        extractor=extractor,
        channels=channels,
        row_width=trained.row_width,
        features=None,
        distance=1.0,
        torso=True,
        most=10,
        steps=Steps(quiet=True),
    )
    source = avatar_source(trained, played)
    assert source.cloud.count == 48 + 24  # the face's last block is filled up
    rows = [
        row
        for part in source.parts
        for row in prove_kernel(source.cloud, part, [frame_inputs(source, 3)])
    ]
    assert len(rows) == 4 and all(row.holds for row in rows)
    (drawn,) = reference_pictures(source, [3])
    assert drawn.shape == (32, 32, 3) and drawn.std() > 5


def test_a_plan_is_not_written_when_a_stage_differs(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = convert.prove_kernel

    def off(cloud: Any, part: Any, inputs: Any) -> Any:
        part.deform.network.still[3, 5] += 0.5
        return source(cloud, part, inputs)

    monkeypatch.setattr(convert, "prove_kernel", off)
    monkeypatch.setattr(convert, "prove", lambda *_: BakeProof((), (), (0, 0)))
    (folder / "out.plan").write_bytes(b"old")
    with pytest.raises(ParityError, match=r"face, kernel tensors\.means"):
        export(folder)
    assert (folder / "out.plan").read_bytes() == b"old"
    assert not list(folder.glob(".out.plan*"))


def test_missing_parts_of_the_dataset_are_named(folder: Path) -> None:
    data = folder / "data"
    for name, message in (
        ("aud_ds.npy", r"aud_ds\.npy: missing, expected the recording's deepspeech features"),
        ("torso_imgs/7.png", r"7\.png: missing, expected a picture"),
        ("bc.jpg", r"bc\.jpg: missing, expected a picture"),
        ("au.csv", r"au\.csv: cannot be read: No such file"),
        ("transforms_val.json", r"transforms_val\.json: cannot be read: No such file"),
    ):
        content = (data / name).read_bytes()
        (data / name).unlink()
        with pytest.raises(CheckpointError, match=message):
            export(folder)
        (data / name).write_bytes(content)
    with pytest.raises(CheckpointError, match=r"nowhere: no such folder, expected the dataset"):
        export(folder, dataset=folder / "nowhere")
    (folder / "model" / "cfg_args").write_text("Namespace(source_path='/nowhere/at/all')")
    with pytest.raises(CheckpointError, match="cfg_args names no dataset on this machine"):
        export(folder)
    assert not (folder / "out.plan").exists()


def test_features_of_another_extractor_are_refused(folder: Path) -> None:
    path = folder / "hubert.npy"
    np.save(path, np.zeros((30, 2, 1024), np.float32))
    with pytest.raises(CheckpointError, match=r"features \[30, 2, 1024\], expected \[T, 16, 29\]"):
        export(folder, audio_features=path)


def test_three_hours_and_more_of_features_are_refused_before_they_are_read(folder: Path) -> None:
    header = {"descr": "<f4", "fortran_order": False, "shape": (270_001, 16, 29)}
    path = folder / "long.npy"
    with path.open("wb") as file:
        np.lib.format.write_array_header_1_0(file, header)
        file.truncate(270_001 * 16 * 29 * 4 + file.tell())  # holes: no disk is used
    with pytest.raises(CheckpointError, match="T from 4 to 270000"):
        export(folder, audio_features=path)


def test_a_folder_of_the_other_program_is_named(folder: Path) -> None:
    options, output = AvatarOptions(), folder / "out.plan"
    with pytest.raises(CheckpointError, match="this is a TalkingGaussian folder"):
        export_gaussiantalker(folder / "model", output, options, Steps(quiet=True))
    other = GOLDEN / "gaussiantalker" / "checkpoint_small_x1"
    with pytest.raises(CheckpointError, match="this is a GaussianTalker folder"):
        export_talkinggaussian(other, output, options, Steps(quiet=True))


def test_frames_that_are_not_neighbours_are_not_played_in_one_piece(folder: Path) -> None:
    path = folder / "data" / "transforms_train.json"
    content = json.loads(path.read_text())
    del content["frames"][9]
    path.write_text(json.dumps(content))
    trained = read_talkinggaussian(folder / "model")
    played = read_played(
        folder / "data",
        extractor="deepspeech",
        channels=29,
        row_width=trained.row_width,
        features=None,
        distance=1.0,
        torso=True,
        most=250,
        steps=Steps(quiet=True),
    )
    numbers = played.recording.frames[played.piece]
    assert list(np.diff(numbers)) == [1] * (len(numbers) - 1)
    assert 9 not in numbers and len(numbers) > 9
