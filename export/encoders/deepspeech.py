# SPDX-License-Identifier: Apache-2.0
"""DeepSpeech 0.1 from the ONNX file that its user converted: the features in front of it and the
network become one graph.

The network is recurrent in both directions and was run over whole clips; here it runs over windows,
so its rows differ from those that an avatar was trained with (DESIGN.md beside this file says how).
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from ..checkpoint import CheckpointError
from ..to_onnx import OPSET
from .mfcc import INPUTS, Mfcc
from .window import FRAME, EncoderWindow

if TYPE_CHECKING:
    import onnx

MAX_BYTES = 2 << 30  # what protobuf can hold
WINDOW = EncoderWindow(before=32_000, step=6_400, after=9_600, lead=8)
STANDARD = ("", "ai.onnx", "ai.onnx.ml")


def read_deepspeech(path: Path, channels: int, window: EncoderWindow) -> onnx.ModelProto:
    """The network with its shapes fixed to the window's: `features` [..., T, 494] to `letters`."""
    import onnx
    from onnx import version_converter
    from onnx.checker import ValidationError
    from onnx.shape_inference import InferenceError

    if path.stat().st_size > MAX_BYTES:
        raise CheckpointError(f"{path}: {path.stat().st_size} bytes, expected at most {MAX_BYTES}")
    try:
        model = onnx.load(str(path), load_external_data=False)
        _check_operators(path, model)
        _fix_inputs(path, model, window.samples // FRAME)
        onnx.checker.check_model(model)
        if (
            next(entry.version for entry in model.opset_import if entry.domain in STANDARD[:2])
            != OPSET
        ):
            model = version_converter.convert_version(model, OPSET)
        _name_output(path, model, channels, window.samples // FRAME)
    except (ValidationError, InferenceError, RuntimeError, ValueError, StopIteration) as error:
        if isinstance(error, CheckpointError):
            raise
        raise CheckpointError(f"{path}: no ONNX model that can be used: {_line(error)}") from None
    except Exception as error:
        # protobuf's DecodeError, whose module depends on how protobuf was built
        if type(error).__name__ != "DecodeError":
            raise
        raise CheckpointError(f"{path}: no ONNX model: {_line(error)}") from None
    return model


def joined(
    front: onnx.ModelProto, network: onnx.ModelProto, window: EncoderWindow
) -> onnx.ModelProto:
    """The front's `features` into the network's, and of its letters those that a window keeps."""
    import onnx
    from onnx import compose, helper, numpy_helper

    front.ir_version = network.ir_version = max(front.ir_version, network.ir_version)
    whole = compose.merge_models(
        compose.add_prefix(front, "front/", rename_inputs=False, rename_outputs=False),
        compose.add_prefix(network, "net/", rename_inputs=False, rename_outputs=False),
        io_map=[("features", "net_features")],
    )
    first, end = window.first, window.first + window.vectors
    channels = whole.graph.output[0].type.tensor_type.shape.dim[-1].dim_value
    for name, values in (
        ("rows_shape", [window.samples // FRAME, channels]),
        ("kept_from", [first]),
        ("kept_to", [end]),
        ("kept_axis", [0]),
    ):
        whole.graph.initializer.append(numpy_helper.from_array(np.array(values, np.int64), name))
    whole.graph.node.extend(
        [
            helper.make_node("Reshape", ["net_letters", "rows_shape"], ["every_vector"]),
            helper.make_node(
                "Slice", ["every_vector", "kept_from", "kept_to", "kept_axis"], ["vectors"]
            ),
        ]
    )
    del whole.graph.output[:]
    kept = helper.make_tensor_value_info(
        "vectors", onnx.TensorProto.FLOAT, [window.vectors, channels]
    )
    whole.graph.output.append(kept)
    onnx.checker.check_model(whole)
    return whole


class DeepSpeechWindow(nn.Module):
    """The same by PyTorch and the user's network on its own, for the parity table."""

    def __init__(self, network: onnx.ModelProto, window: EncoderWindow) -> None:
        super().__init__()
        import onnxruntime

        self.front, self.window = Mfcc(), window
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.log_severity_level = 3
        self.session = onnxruntime.InferenceSession(
            network.SerializeToString(), options, providers=["CPUExecutionProvider"]
        )

    def forward(self, samples: Tensor) -> tuple[Tensor]:
        shape = self.session.get_inputs()[0].shape
        features = self.front(samples).reshape(shape).numpy()
        letters = self.session.run(["net_letters"], {"net_features": features})[0]
        rows = torch.from_numpy(letters).reshape(self.window.samples // FRAME, -1)
        return (rows[self.window.first : self.window.first + self.window.vectors],)


def _check_operators(path: Path, model: onnx.ModelProto) -> None:
    import onnx

    def graphs(graph: onnx.GraphProto) -> Any:
        yield graph
        for node in graph.node:
            for attribute in node.attribute:
                for inner in [attribute.g, *attribute.graphs]:
                    if inner.node:
                        yield from graphs(inner)

    for graph in graphs(model.graph):
        for node in graph.node:
            if node.domain not in STANDARD:
                raise CheckpointError(
                    f"{path}: operator {node.op_type} of {node.domain}, expected standard ONNX"
                )
        for tensor in graph.initializer:
            if tensor.data_location == onnx.TensorProto.EXTERNAL:
                raise CheckpointError(
                    f"{path}: {tensor.name} lies in another file, expected all weights in one"
                )
    if len(model.functions) > 0:
        raise CheckpointError(f"{path}: has functions of its own, expected standard operators")


def _fix_inputs(path: Path, model: onnx.ModelProto, steps: int) -> None:
    """`net_features` with this window's length; a count of vectors becomes a constant."""
    import onnx
    from onnx import numpy_helper

    constants = {tensor.name for tensor in model.graph.initializer}
    inputs = [value for value in model.graph.input if value.name not in constants]
    named = {
        value.name: [dim.dim_value for dim in value.type.tensor_type.shape.dim] for value in inputs
    }
    hears = [name for name, shape in named.items() if shape and shape[-1] == INPUTS]
    if len(hears) != 1 or len(named[hears[0]]) not in (2, 3):
        said = ", ".join(f"{name} {shape}" for name, shape in named.items())
        raise CheckpointError(f"{path}: inputs {said}, expected one of [1, T, {INPUTS}]")
    for value in inputs:
        shape = value.type.tensor_type.shape
        kind = value.type.tensor_type.elem_type
        if value.name == hears[0]:
            fixed = [1, steps, INPUTS] if len(named[value.name]) == 3 else [steps, INPUTS]
            for dim, size in zip(shape.dim, fixed, strict=True):
                if dim.dim_value not in (0, size):
                    raise CheckpointError(
                        f"{path}: input {value.name} {named[value.name]}, expected {fixed}"
                    )
                dim.ClearField("dim_param")
                dim.dim_value = size
            _rename(model, value.name, "net_features")
            value.name = "net_features"
        elif kind in (onnx.TensorProto.INT32, onnx.TensorProto.INT64) and len(shape.dim) <= 1:
            dtype = np.int32 if kind == onnx.TensorProto.INT32 else np.int64
            count = np.full([1] * len(shape.dim), steps, dtype)
            model.graph.initializer.append(numpy_helper.from_array(count, value.name))
            model.graph.input.remove(value)
        else:
            raise CheckpointError(
                f"{path}: input {value.name} {named[value.name]} is not known, expected features "
                "and at most their count"
            )


def _name_output(path: Path, model: onnx.ModelProto, channels: int, steps: int) -> None:
    """`net_letters`: the output of `channels` numbers a vector; others are left out."""
    from onnx import shape_inference

    inferred = shape_inference.infer_shapes(model).graph.output
    shapes = {
        value.name: [dim.dim_value for dim in value.type.tensor_type.shape.dim]
        for value in inferred
    }
    fits = [
        name
        for name, shape in shapes.items()
        if shape and shape[-1] == channels and sorted(shape[:-1])[-1:] in ([steps], [0])
    ]
    if len(fits) != 1:
        said = ", ".join(f"{name} {shape}" for name, shape in shapes.items())
        raise CheckpointError(f"{path}: outputs {said}, expected one of [T, 1, {channels}]")
    for value in list(model.graph.output):
        if value.name != fits[0]:
            model.graph.output.remove(value)
    output = model.graph.output[0]
    del output.type.tensor_type.shape.dim[:]
    for size in [1] * (len(shapes[fits[0]]) - 2) + [steps, channels]:
        output.type.tensor_type.shape.dim.add().dim_value = size
    if len(shapes[fits[0]]) == 3 and shapes[fits[0]][0] != 1:  # time first, as TensorFlow had it
        output.type.tensor_type.shape.dim[0].dim_value = steps
        output.type.tensor_type.shape.dim[1].dim_value = 1
    _rename(model, fits[0], "net_letters")
    output.name = "net_letters"


def _rename(model: onnx.ModelProto, old: str, new: str) -> None:
    for node in model.graph.node:
        for names in (node.input, node.output):
            for index, name in enumerate(names):
                if name == old:
                    names[index] = new


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:300]
