# SPDX-License-Identifier: Apache-2.0
"""Checkpoints are read as they were saved; nothing in one runs code or takes memory it has not."""

from __future__ import annotations

import argparse
import io
import pickle
import zipfile
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the export extra is not installed")

from talkrt.export.checkpoint import CheckpointError, read_checkpoint  # noqa: E402
from talkrt.export.state_dict import checked_state  # noqa: E402

LEGACY = {"_use_new_zipfile_serialization": False}
GOLDEN = Path(__file__).parents[1] / "data" / "golden" / "gaussian"
AVATAR = GOLDEN / "talkinggaussian" / "chkpnt_fuse_latest.pth"


@pytest.fixture(params=[{}, LEGACY], ids=["zip", "legacy"])
def save(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    def write(value: Any) -> Path:
        path = tmp_path / "saved.pth"
        torch.save(value, path, **request.param)
        return path

    return write


@pytest.mark.parametrize(
    "kind", ["float64", "float32", "float16", "int64", "int32", "int16", "int8", "uint8", "bool"]
)
def test_every_element_type_is_read_as_it_was_saved(save: Any, kind: str) -> None:
    given = (torch.arange(24).reshape(4, 6) % 3).to(getattr(torch, kind))
    found = read_checkpoint(save({"w": given}))["w"]
    assert found.dtype == given.numpy().dtype
    np.testing.assert_array_equal(found, given.numpy())


def test_bfloat16_becomes_float32_exactly(save: Any) -> None:
    given = torch.randn(100, generator=torch.Generator().manual_seed(1)).to(torch.bfloat16)
    found = read_checkpoint(save([given]))[0]
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, given.float().numpy())


def test_views_keep_their_strides_and_offsets(save: Any) -> None:
    base = torch.arange(60.0).reshape(3, 4, 5)
    found = read_checkpoint(save({"t": base.permute(2, 0, 1)[1:, :, ::2], "base": base}))
    np.testing.assert_array_equal(found["t"], base.numpy().transpose(2, 0, 1)[1:, :, ::2])
    np.testing.assert_array_equal(found["base"], base.numpy())


def test_nested_plain_values_survive(save: Any) -> None:
    given = {
        "state": OrderedDict(a=torch.ones(2), b=None),
        "numbers": [1, -70000, 2**60, 1.5, True, (), (1, (2, 3))],
        "text": "ä" * 300,
        3: b"\x00\xff",
        "lr": np.float32(0.25),
        "count": np.int64(7),
        "table": np.arange(6, dtype=np.float64).reshape(2, 3).T,
        "args": argparse.Namespace(name="x", depth=3, path=Path("a/b")),
        "size": torch.Size([2, 3]),
        "parameter": torch.nn.Parameter(torch.full((2, 2), 4.0)),
        "empty": torch.empty(0, 3),
    }
    found = read_checkpoint(save(given))
    assert found["numbers"] == given["numbers"]
    assert (found["text"], found[3]) == (given["text"], given[3])
    assert (found["lr"], found["count"]) == (0.25, 7)
    assert found["args"] == {"name": "x", "depth": 3, "path": "a/b"}
    assert tuple(found["size"]) == (2, 3)
    assert found["empty"].shape == (0, 3)
    assert found["state"]["b"] is None
    np.testing.assert_array_equal(found["state"]["a"], [1, 1])
    np.testing.assert_array_equal(found["table"], given["table"])
    np.testing.assert_array_equal(found["parameter"], np.full((2, 2), 4))


def test_a_module_state_dict_and_its_optimizer_are_read(save: Any) -> None:
    module = torch.nn.Sequential(torch.nn.Conv1d(3, 4, 3), torch.nn.BatchNorm1d(4))
    optimizer = torch.optim.AdamW(module.parameters(), lr=1e-3)
    module(torch.ones(2, 3, 5)).sum().backward()
    optimizer.step()
    state, adam = read_checkpoint(save((module.state_dict(), optimizer.state_dict())))
    assert {name: tensor.numpy().shape for name, tensor in module.state_dict().items()} == {
        name: array.shape for name, array in state.items()
    }
    assert adam["param_groups"][0]["lr"] == 1e-3


def test_safetensors_are_read_by_content(tmp_path: Path) -> None:
    from safetensors.numpy import save_file

    path = tmp_path / "weights.pth"
    save_file({"w": np.arange(4, dtype=np.float32)}, path)
    np.testing.assert_array_equal(read_checkpoint(path)["w"], [0, 1, 2, 3])


@pytest.mark.parametrize("numpy_major", [1, 2])
def test_an_avatar_saved_on_a_gpu_with_either_numpy_is_read(
    numpy_major: int, tmp_path: Path
) -> None:
    path = tmp_path / "chkpnt_fuse_latest.pth"
    module = b"cnumpy.core.multiarray\n" if numpy_major == 1 else b"cnumpy._core.multiarray\n"
    with zipfile.ZipFile(AVATAR) as old, zipfile.ZipFile(path, "w") as new:
        pickled = old.read("archive/data.pkl")
        assert b"cuda:0" in pickled and b"cnumpy.core.multiarray\n" in pickled
        for entry in old.namelist():
            content = old.read(entry)
            new.writestr(entry, content.replace(b"cnumpy.core.multiarray\n", module))
    face, face_net, mouth, mouth_net = read_checkpoint(path)
    assert (len(face), len(mouth), face[0]) == (13, 13, 2)
    assert isinstance(face[12], float)
    assert face[2].shape == (500, 1, 3)
    assert face_net["sigma_net.net.0.weight"].shape == (64, 74)
    expected = torch.load(path, map_location="cpu", weights_only=False)
    grid = "encoder_xy.embeddings"
    np.testing.assert_array_equal(mouth_net[grid], expected[3][grid].numpy())
    np.testing.assert_array_equal(face[5], expected[0][5].detach().numpy())


class Attack:
    """Unpickles to a call of `function`."""

    def __init__(self, function: Any, *arguments: Any) -> None:
        self.call = function, arguments

    def __reduce__(self) -> Any:
        return self.call


@pytest.mark.parametrize("nested", [False, True])
def test_code_in_a_pickle_is_named_and_never_run(save: Any, tmp_path: Path, nested: bool) -> None:
    proof = tmp_path / "ran"
    attack = Attack(exec, f"open({str(proof)!r}, 'w')")
    path = save({"weights": [attack]} if nested else attack)
    with pytest.raises(CheckpointError, match=r"saved\.pth.*names __builtin__\.exec.*nothing"):
        read_checkpoint(path)
    assert not proof.exists()
    torch.load(path, weights_only=False)  # the attack is a real one
    assert proof.exists()


@pytest.mark.parametrize(
    "program",
    [
        b"\x80\x02cos\nsystem\nX\x04\x00\x00\x00true\x85R.",
        b"\x80\x02ctorch.storage\n_load_from_bytes\nC\x01\x00\x85R.",
        b"\x80\x02cnumpy\nload\nX\x01\x00\x00\x00x\x85R.",
        b"\x80\x02c_codecs\ndecode\nX\x01\x00\x00\x00x\x85R.",
        b"\x80\x02cbuiltins\ngetattr\n).",
        b"\x80\x04\x8c\x02os\x8c\x06system\x93.",
        b"\x80\x02i os\nsystem\n.",
        b"\x80\x02\x82\x01.",  # an extension code
    ],
)
def test_names_outside_the_table_are_refused(program: bytes, tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"names|opcode"):
        read_checkpoint(_zipped(tmp_path, program))


@pytest.mark.parametrize(
    ("program", "message"),
    [
        (b"\x80\x02", "ends in the middle"),
        (b"\x80\x02.", "empty stack"),
        (b"\x80\x02X\xff\xff\xff\xffabc.", "ends in the middle"),
        (b"\x80\x04\x8d\xff\xff\xff\xff\xff\xff\xff\x7f.", "ends in the middle"),
        (b"\x80\x02h\x00.", "damaged"),
        (b"\x80\x02(K\x01K\x02", "ends in the middle"),
        (b"\x80\x02K\x01K\x02t.", "empty stack"),
        (b"\x80\x02}]K\x01s.", "key of type list"),
        (b"\x80\x02}" + b")" + b"\x85" * 200_000 + b"K\x01s.", "key of type tuple"),
        (b"\x80\x02K\x01K\x02a.", "no list"),
        (b"\x80\x02K\x01)R.", "no function"),
        (b"\x80\x02X\x01\x00\x00\x00aQ.", "no tensor storage"),
        (b"\x80\x02cnumpy\ndtype\nX\x02\x00\x00\x00O8\x85R.", "expected numbers"),
        (b"\x80\x02]K\x01b.", "state for a list"),
        (b"\x80\x02ccollections\nOrderedDict\n" + b"K\x01" * 3 + b"R.", "no function"),
    ],
)
def test_damaged_pickles_are_refused(program: bytes, message: str, tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=message):
        read_checkpoint(_zipped(tmp_path, program))


def test_a_memo_index_takes_no_memory(tmp_path: Path) -> None:
    assert read_checkpoint(_zipped(tmp_path, b"\x80\x02K\x05r\xff\xff\xff\xff.")) == 5


@pytest.mark.parametrize(
    ("size", "stride", "offset"),
    [((5,), (1,), 0), ((2, 2), (2, 2), 1), ((4,), (1,), 1), ((100,), (0,), 0), ((2,), (-1,), 1)],
)
def test_a_tensor_outside_its_storage_is_refused(
    size: tuple[int, ...], stride: tuple[int, ...], offset: int, tmp_path: Path
) -> None:
    path = _zipped(tmp_path, _tensor_program(size, stride, offset), {"0": bytes(16)})
    with pytest.raises(CheckpointError, match="a tensor"):
        read_checkpoint(path)
    whole = _zipped(tmp_path, _tensor_program((2, 2), (2, 1), 0), {"0": bytes(16)})
    assert read_checkpoint(whole).shape == (2, 2)


@pytest.mark.parametrize("storages", [{}, {"0": bytes(12)}, {"0": bytes(20)}])
def test_missing_and_cut_storages_are_named(storages: dict[str, bytes], tmp_path: Path) -> None:
    path = _zipped(tmp_path, _tensor_program((4,), (1,), 0), storages)
    with pytest.raises(CheckpointError, match=r"(storage|data/)0?.*(missing|bytes)"):
        read_checkpoint(path)


def test_compressed_entries_are_refused(tmp_path: Path) -> None:
    path = _zipped(tmp_path, _tensor_program((4,), (1,), 0), {"0": bytes(16)}, zipfile.ZIP_DEFLATED)
    with pytest.raises(CheckpointError, match="compressed"):
        read_checkpoint(path)


def test_a_truncated_file_is_refused_at_every_length(save: Any) -> None:
    path = save({"w": torch.arange(50.0), "n": [1, "x"]})
    whole = path.read_bytes()
    for length in range(0, len(whole) - 1, 7):
        path.write_bytes(whole[:length])
        with pytest.raises(CheckpointError):
            read_checkpoint(path)


def test_flipped_bytes_give_an_error_or_a_value(save: Any) -> None:
    path = save({"w": torch.arange(5.0), "n": [1, "x", np.float64(3)]})
    whole = path.read_bytes()
    for at in range(0, len(whole), 3):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 0x5A]) + whole[at + 1 :])
        try:
            read_checkpoint(path)
        except CheckpointError as error:
            assert "saved.pth" in str(error)


def test_other_files_are_told_apart(tmp_path: Path) -> None:
    path = tmp_path / "x.pth"
    for content, message in [
        (b"", "neither"),
        (b"\x89PNG" * 5, "neither"),
        (b"version https://git-lfs.github.com/spec/v1\n", "Git LFS pointer"),
        (pickle.dumps([1, 2, 3]), r"torch\.save did not write"),
        (b"PK\x03\x04" + bytes(100), "zip"),
    ]:
        path.write_bytes(content)
        with pytest.raises(CheckpointError, match=message):
            read_checkpoint(path)
    with pytest.raises(CheckpointError, match=r"none\.pth: cannot be read: No such file"):
        read_checkpoint(tmp_path / "none.pth")
    path.write_bytes(bytes(2000))
    with pytest.raises(CheckpointError, match="2000 bytes, expected at most 1000"):
        read_checkpoint(path, max_bytes=1000)


def test_every_wrong_piece_of_a_state_is_listed_by_name_and_shape() -> None:
    nan = np.ones((2, 2), np.float32)
    nan[1, 0] = np.nan
    found = {"a": np.ones((2, 3)), "c": nan, "d": 5, "e": np.zeros(4)}
    with pytest.raises(CheckpointError) as caught:
        checked_state("f.pth", found, {"a": (3, 2), "b": (7,), "c": (2, 2), "d": (1,)})
    text = str(caught.value)
    assert text.startswith("f.pth: 5 problems")
    for line in (
        "a: [2, 3], expected [3, 2]",
        "b: missing, expected [7]",
        "c[1, 0]: NaN",
        "d: a int, expected [1]",
        "e: not expected, is [4]",
    ):
        assert line in text


def _zipped(
    folder: Path,
    program: bytes,
    storages: dict[str, bytes] | None = None,
    compression: int = zipfile.ZIP_STORED,
) -> Path:
    path = folder / "made.pth"
    with zipfile.ZipFile(path, "w", compression) as archive:
        archive.writestr("archive/data.pkl", program)
        for key, content in (storages or {}).items():
            archive.writestr(f"archive/data/{key}", content)
    return path


def _tensor_program(size: tuple[int, ...], stride: tuple[int, ...], offset: int) -> bytes:
    """A pickle of one float tensor over storage "0" of 4 elements."""

    class Storage:
        pass

    class Pickler(pickle.Pickler):
        def persistent_id(self, item: Any) -> Any:
            if isinstance(item, Storage):
                return "storage", torch.FloatStorage, "0", "cuda:0", 4
            return None

    arguments = Storage(), offset, size, stride, False, OrderedDict()
    out = io.BytesIO()
    Pickler(out, protocol=2).dump(Attack(torch._utils._rebuild_tensor_v2, *arguments))
    return out.getvalue()
