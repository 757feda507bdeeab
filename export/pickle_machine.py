# SPDX-License-Identifier: Apache-2.0
"""Reads the pickles of checkpoints as data: nothing that a file says can run code.

A pickle is a program for a stack machine, and Python's own machine imports and calls whatever the
program names. This one imports nothing: the few names that checkpoints of tensors need stand in a
table, pickle_names.py, and any other name is an error. Mappings and argparse namespaces become
dicts, tensors and NumPy arrays become arrays, NumPy scalars become Python numbers.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from types import FunctionType
from typing import Any

from numpy.typing import NDArray

from .pickle_names import (
    ELEMENT_TYPES,
    FUNCTIONS,
    STORAGES,
    PickleError,
    Storage,
    StorageType,
    Unbuilt,
    Value,
)

_MARK = object()

StorageOf = Callable[[str, str, int], NDArray[Any]]  # (key of STORAGES, name, count) -> [count]


def load(data: memoryview, start: int, storage_of: StorageOf | None) -> tuple[Value, int]:
    """The value of the pickle at `start`, and where the pickle ends.

    Tensors are read-only views of what `storage_of` returns; without it they are refused.
    """
    machine = _Machine(data, start, storage_of)
    try:
        return machine.run(), machine.at
    except PickleError as error:
        raise PickleError(f"byte {machine.at} of the pickle: {error}") from None
    except (ArithmeticError, LookupError, TypeError, ValueError, struct.error) as error:
        raise PickleError(f"byte {machine.at} of the pickle: damaged: {str(error)[:200]}") from None


class _Machine:
    def __init__(self, data: memoryview, start: int, storage_of: StorageOf | None) -> None:
        self.data, self.at, self.storage_of = data, start, storage_of  # data is borrowed
        self.stack: list[Value] = []
        self.memo: dict[int, Value] = {}

    def run(self) -> Value:
        while True:
            code = self.take(1)[0]
            if code == ord("."):
                return self.pop(1)[0]
            if code not in _STEPS:
                raise PickleError(f"opcode 0x{code:02x}, which checkpoints do not use")
            _STEPS[code](self)

    def take(self, count: int) -> memoryview:
        if not 0 <= count <= len(self.data) - self.at:
            raise PickleError("it ends in the middle")
        self.at += count
        return self.data[self.at - count : self.at]

    def skip(self, count: int) -> None:
        self.take(count)

    def number(self, layout: str) -> Any:
        return struct.unpack(layout, self.take(struct.calcsize(layout)))[0]

    def text(self, layout: str) -> str:
        return bytes(self.take(self.number(layout))).decode("utf-8", "surrogatepass")

    def line(self) -> str:
        start = self.at
        while self.take(1)[0] != ord("\n"):
            if self.at - start > 1000:
                raise PickleError("a line of more than 1000 bytes")
        return bytes(self.data[start : self.at - 1]).decode()

    def push(self, value: Value) -> None:
        self.stack.append(value)

    def pop(self, count: int) -> tuple[Value, ...]:
        if count > len(self.stack):
            raise PickleError("it takes from an empty stack")
        items = self.stack[len(self.stack) - count :]
        del self.stack[len(self.stack) - count :]
        return tuple(item.value if isinstance(item, Unbuilt) else item for item in items)

    def pop_to_mark(self) -> tuple[Value, ...]:
        count = 0
        while count < len(self.stack) and self.stack[-1 - count] is not _MARK:
            count += 1
        items = self.pop(count)
        self.pop(1)
        return items

    def extend(self, items: tuple[Value, ...]) -> None:
        target = self.stack[-1]
        if not isinstance(target, list):
            raise PickleError("items for what is no list")
        target.extend(items)

    def update(self, items: tuple[Value, ...]) -> None:
        target = self.stack[-1]
        if not isinstance(target, dict) or len(items) % 2:
            raise PickleError("items for what is no mapping")
        for key, value in zip(items[::2], items[1::2], strict=True):
            # Hashing a tuple nested deep enough would exhaust the interpreter's stack.
            if not isinstance(key, str | int | float | bytes | None):
                raise PickleError(f"a key of type {type(key).__name__}, expected text or a number")
            target[key] = value

    def find(self, module: str, name: str) -> None:
        full = f"{module}.{name}"
        if module in ("torch", "torch.storage") and name in STORAGES:
            self.push(StorageType(name))
        elif full in ELEMENT_TYPES:
            self.push(full)
        elif full in FUNCTIONS:
            self.push(FUNCTIONS[full])
        else:
            shown = "".join(c if c.isprintable() else "?" for c in full[:120])
            raise PickleError(
                f"it names {shown}, expected only what stores tensors, numbers and text; "
                "nothing of it was run"
            )

    def find_popped(self) -> None:
        module, name = self.pop(2)
        if not isinstance(module, str) or not isinstance(name, str):
            raise PickleError("a name that is no text")
        self.find(module, name)

    def call(self) -> None:
        function, arguments = self.pop(2)
        if not isinstance(function, FunctionType) or not isinstance(arguments, tuple):
            raise PickleError("a call of what is no function")
        self.push(function(*arguments))  # from FUNCTIONS: nothing else puts functions here

    def build(self) -> None:
        (state,) = self.pop(1)
        target = self.stack[-1]
        if isinstance(target, Unbuilt):
            target.value = target.set_state(target.value, state)
        elif not isinstance(target, dict):  # a dict's attributes are torch's notes on versions
            raise PickleError(f"a state for a {type(target).__name__}")

    def refer(self) -> None:
        match self.pop(1)[0]:
            case ("storage", StorageType(name), str() | int() as key, _, int() as count, *more):
                if self.storage_of is None or more not in ([], [None]):
                    raise PickleError("a part of another storage, as torch before 0.4 wrote it")
                self.push(Storage(self.storage_of(name, str(key), count)))
            case _:
                raise PickleError("a reference to what is no tensor storage")

    def memoize(self, index: int) -> None:
        self.memo[index] = self.stack[-1]


_STEPS: dict[int, Callable[[_Machine], None]] = {
    0x80: lambda m: m.skip(1),  # protocol
    0x95: lambda m: m.skip(8),  # frame
    ord("("): lambda m: m.push(_MARK),
    ord("N"): lambda m: m.push(None),
    0x88: lambda m: m.push(True),
    0x89: lambda m: m.push(False),
    ord("J"): lambda m: m.push(m.number("<i")),
    ord("K"): lambda m: m.push(m.number("<B")),
    ord("M"): lambda m: m.push(m.number("<H")),
    0x8A: lambda m: m.push(int.from_bytes(m.take(m.number("<B")), "little", signed=True)),
    ord("G"): lambda m: m.push(m.number(">d")),
    ord("X"): lambda m: m.push(m.text("<I")),
    0x8C: lambda m: m.push(m.text("<B")),
    0x8D: lambda m: m.push(m.text("<Q")),
    ord("B"): lambda m: m.push(bytes(m.take(m.number("<I")))),
    ord("C"): lambda m: m.push(bytes(m.take(m.number("<B")))),
    0x8E: lambda m: m.push(bytes(m.take(m.number("<Q")))),
    0x96: lambda m: m.push(bytes(m.take(m.number("<Q")))),
    ord("]"): lambda m: m.push([]),
    ord("}"): lambda m: m.push({}),
    ord(")"): lambda m: m.push(()),
    ord("t"): lambda m: m.push(m.pop_to_mark()),
    0x85: lambda m: m.push(m.pop(1)),
    0x86: lambda m: m.push(m.pop(2)),
    0x87: lambda m: m.push(m.pop(3)),
    ord("a"): lambda m: m.extend(m.pop(1)),
    ord("e"): lambda m: m.extend(m.pop_to_mark()),
    ord("s"): lambda m: m.update(m.pop(2)),
    ord("u"): lambda m: m.update(m.pop_to_mark()),
    ord("c"): lambda m: m.find(m.line(), m.line()),
    0x93: _Machine.find_popped,
    ord("R"): _Machine.call,
    0x81: _Machine.call,  # a new object: of the table's classes, as a call
    ord("b"): _Machine.build,
    ord("Q"): _Machine.refer,
    ord("q"): lambda m: m.memoize(m.number("<B")),
    ord("r"): lambda m: m.memoize(m.number("<I")),
    0x94: lambda m: m.memoize(len(m.memo)),
    ord("h"): lambda m: m.push(m.memo[m.number("<B")]),
    ord("j"): lambda m: m.push(m.memo[m.number("<I")]),
}
