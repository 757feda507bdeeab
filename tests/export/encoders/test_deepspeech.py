# SPDX-License-Identifier: Apache-2.0
"""DeepSpeech as an ONNX file: its features against float64 NumPy, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the export extra is not installed")
onnx = pytest.importorskip("onnx")
from onnx import TensorProto, helper, numpy_helper  # noqa: E402
from talkrt.export.encoders.build import build_encoder  # noqa: E402
from talkrt.export.encoders.mfcc import Mfcc  # noqa: E402

CELLS, LETTERS = 6, 29


def mel_cepstra(samples):
    """[frames, 26] every 10 ms, written after the paper page of the feature, in float64."""
    x = samples.astype(np.float64) * 32768
    x = np.append(x[0], x[1:] - 0.97 * x[:-1])
    count = 1 + max(0, -(-(len(x) - 400) // 160))
    x = np.append(x, np.zeros(count * 160 + 400 - len(x)))
    frames = np.stack([x[i * 160 : i * 160 + 400] for i in range(count)])
    power = np.abs(np.fft.rfft(frames, 512)) ** 2 / 512
    mels = np.linspace(0, 2595 * np.log10(1 + 8000 / 700), 28)
    edges = np.floor(513 * 700 * (10 ** (mels / 2595) - 1) / 16000).astype(int)
    bank = np.zeros((26, 257))
    for j in range(26):
        for i in range(edges[j], edges[j + 1]):
            bank[j, i] = (i - edges[j]) / (edges[j + 1] - edges[j])
        for i in range(edges[j + 1], edges[j + 2]):
            bank[j, i] = (edges[j + 2] - i) / (edges[j + 2] - edges[j + 1])
    from scipy.fft import dct

    eps = np.finfo(float).eps
    cepstra = dct(np.log(np.maximum(power @ bank.T, eps)), type=2, axis=1, norm="ortho")
    cepstra *= 1 + 11 * np.sin(np.pi * np.arange(26) / 22)
    cepstra[:, 0] = np.log(np.maximum(power.sum(axis=1), eps))
    return cepstra


def test_features_are_every_second_frame_with_nine_neighbours_made_even():
    speech = np.random.default_rng(4).normal(0, 0.1, 16_080).astype(np.float32)
    speech *= np.sin(np.arange(16_080) / 3000) ** 2
    cepstra = np.pad(mel_cepstra(speech)[::2][:50], ((9, 9), (0, 0)))
    expected = np.stack([cepstra[i : i + 19].ravel() for i in range(50)])
    expected = (expected - expected.mean()) / expected.std()
    found = Mfcc()(torch.from_numpy(speech[None]))[0].numpy()
    np.testing.assert_allclose(found, expected, atol=2e-4)


def network(path, inputs=494, letters=LETTERS, domain="", external=False):
    """A dense layer, a recurrent one in both directions and the letters, time first as it was."""
    rng = np.random.default_rng(9)

    def weight(name, *shape):
        array = rng.normal(0, 1 / np.sqrt(shape[-1]), shape).astype(np.float32)
        return numpy_helper.from_array(array, name)

    nodes = [
        helper.make_node("Transpose", ["input"], ["time_first"], perm=[1, 0, 2]),
        helper.make_node("MatMul", ["time_first", "first"], ["dense"], domain=domain),
        helper.make_node("Relu", ["dense"], ["heard"]),
        helper.make_node(
            "LSTM", ["heard", "w", "r", "", "lengths"], ["both"], hidden_size=CELLS,
            direction="bidirectional",
        ),
        helper.make_node("Transpose", ["both"], ["steps"], perm=[0, 2, 1, 3]),
        helper.make_node("Reshape", ["steps", "flat"], ["joined"]),
        helper.make_node("MatMul", ["joined", "last"], ["logits"]),
    ]  # fmt: skip
    weights = [
        weight("first", inputs, 8), weight("w", 2, 4 * CELLS, 8), weight("r", 2, 4 * CELLS, CELLS),
        weight("last", 2 * CELLS, letters),
        numpy_helper.from_array(np.array([0, 0, 2 * CELLS], np.int64), "flat"),
    ]  # fmt: skip
    graph = helper.make_graph(
        nodes,
        "deepspeech",
        [
            helper.make_tensor_value_info("input", TensorProto.FLOAT, [1, "time", inputs]),
            helper.make_tensor_value_info("lengths", TensorProto.INT32, [1]),
        ],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["time", 1, letters])],
        weights,
    )
    opsets = [helper.make_opsetid("", 14)] + ([helper.make_opsetid(domain, 1)] if domain else [])
    model = helper.make_model(graph, opset_imports=opsets, ir_version=8)
    onnx.save(model, path, save_as_external_data=external, size_threshold=0)
    return path


def test_a_converted_network_becomes_the_graph_of_a_window(tmp_path):
    encoder = build_encoder(network(tmp_path / "deepspeech.onnx"), channels=29, row_width=16)
    assert encoder.parity[0].runs == 3 and encoder.parity[0].max_error < 1e-3
    assert encoder.manifest()["lead"] == 8
    ports = encoder.onnx.manifest()
    assert ports["inputs"][0]["shape"] == [1, encoder.window.samples]
    assert ports["outputs"][0]["shape"] == [20, 29]
    assert all(name.startswith("weight/encoder/") for name in encoder.onnx.weights)


def not_onnx(path):
    path.write_bytes(b"\x08\x07 this is no model")


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (not_onnx, "no ONNX model"),
        (lambda path: network(path, inputs=480), r"expected one of \[1, T, 494\]"),
        (lambda path: network(path, letters=33), r"expected one of \[T, 1, 29\]"),
        (lambda path: network(path, domain="com.example"), "MatMul of com.example"),
        (lambda path: network(path, external=True), "lies in another file"),
    ],
    ids=["no model", "inputs", "letters", "operator", "external"],
)
def test_a_file_that_cannot_be_used_is_refused_by_name(make, said, tmp_path):
    path = tmp_path / "deepspeech.onnx"
    make(path)
    with pytest.raises(ValueError, match=said) as refused:
        build_encoder(path, channels=29, row_width=16)
    assert "deepspeech.onnx" in str(refused.value) and "\n" not in str(refused.value)
