# SPDX-License-Identifier: Apache-2.0
"""The container lies: lengths, JSON, names, dtypes, shapes, offsets."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from starting_points import (
    Case,
    bare_file,
    bare_plan,
    compact,
    layout,
    pack,
    with_header,
    with_header_text,
)


def container_cases() -> Iterator[Case]:
    whole = bare_file()
    header, data = layout(*bare_plan())
    yield Case("empty", "is 0 bytes long, expected a plan", b"")
    yield Case("seven_bytes", "is 7 bytes long", whole[:7])
    yield Case("length_zero", "header length is 0,", pack(header, data, 0))
    yield Case("length_huge", "length is 18446744073709551615,", pack(header, data, 2**64 - 1))
    yield Case("length_over_16_mib", "length is 16777217,", pack(header, data, (16 << 20) + 1))
    yield Case("length_past_end", "length is 99999, expected at most", pack(header, data, 99_999))
    yield Case("length_short", "is not JSON at byte", pack(header, data, 100))
    yield Case("truncated_in_header", "expected at most the 292 bytes", whole[:300])
    yield Case("truncated_in_data", "where the file ends: truncated", whole[:-1])
    yield Case("trailing_bytes", "where the last tensor ends", whole + b"\0")
    yield Case("array_header", 'first byte of the header is "["', pack("[1]", b""))
    yield Case(
        "unclosed_header", "syntax error while parsing object - unexpected end", pack('{"a":1', b"")
    )
    yield Case("two_values", "expected end of input", pack(compact(header) + "{}", data))
    yield Case("nul_after_header", "text with a NUL at byte", pack(compact(header) + "\0{", data))
    yield Case("comment", "invalid literal", pack(compact(header) + "/* */", data))
    yield Case("not_utf8", "ill-formed UTF-8", with_header_text('state/g/s":{', '\udcff":{'))
    yield Case("lone_surrogate", "surrogate", with_header_text('state/g/s":{', '\\ud800":{'))
    yield Case(
        "repeated_tensor",
        'repeats the key "graph/g"',
        with_header_text('"state/g/s":{', '"graph/g":{'),
    )
    deep = "[" * 40 + "]" * 40
    yield Case("deep_header", "header is JSON nested deeper", pack('{"a":' + deep + "}", b""))
    yield Case("number_overflow", "number overflow", pack('{"a":1e999}', b""))
    yield Case("nan_literal", "the header is not JSON at byte 6", pack('{"a":NaN}', b""))
    yield Case(
        "no_metadata", "__metadata__ is absent", with_header(lambda h: h.pop("__metadata__"))
    )
    yield Case(
        "metadata_array", "__metadata__ is array", with_header(lambda h: h.update(__metadata__=[]))
    )
    yield Case(
        "metadata_number",
        'entry "n" is number, expected a string',
        with_header(lambda h: h["__metadata__"].update(n=1)),
    )
    yield Case(
        "no_manifest",
        "safetensors file, but no plan",
        with_header(lambda h: h.update(__metadata__={"format": "pt"})),
    )
    yield from name_cases()
    yield from entry_cases()


def name_cases() -> Iterator[Case]:
    def named(name: str) -> bytes:
        return with_header(lambda h: h.update({name: h.pop("state/g/s")}))

    yield Case("name_walks_up", 'name "../../etc/passwd"', named("../../etc/passwd"))
    yield Case("name_absolute", 'name "/etc/passwd"', named("/etc/passwd"))
    yield Case("name_trailing_slash", 'name "state/g/"', named("state/g/"))
    yield Case("name_double_slash", 'name "state//s"', named("state//s"))
    yield Case("name_empty", 'name "" is not allowed', named(""))
    yield Case("name_backslash", 'name "state\\x5cs"', named("state\\s"))
    yield Case("name_with_nul", 'name "state\\x00s"', named("state\0s"))
    yield Case("name_not_ascii", 'name "st\\xc3\\xa4te"', named("stäte"))
    yield Case("name_256_long", 'name "aaaaaaaa', named("a" * 256))


def entry_cases() -> Iterator[Case]:
    def entry(key: str, value: Any) -> bytes:
        return with_header(lambda h: h["state/g/s"].update({key: value}))

    yield Case(
        "entry_string",
        "tensor state/g/s is string",
        with_header(lambda h: h.update({"state/g/s": ""})),
    )
    yield Case("dtype_unknown", 'dtype is "BF16"', entry("dtype", "BF16"))
    yield Case("dtype_number", "dtype is number", entry("dtype", 4))
    yield Case("no_shape", "shape is absent", with_header(lambda h: h["state/g/s"].pop("shape")))
    yield Case("shape_object", "shape is object", entry("shape", {}))
    yield Case("shape_negative", "a dimension is -4", entry("shape", [-4]))
    yield Case("shape_float", "a dimension is 4.0", entry("shape", [4.0]))
    yield Case(
        "shape_overflows", "is [1099511627776,1099511627776]", entry("shape", [2**40, 2**40])
    )
    yield Case("shape_wraps", "is [4611686018427387904,4]", entry("shape", [2**62, 4]))
    yield Case(
        "shape_huge_but_zero",
        "is [1125899906842624,1125899906842624,0]",
        entry("shape", [2**50, 2**50, 0]),
    )
    yield Case("shape_nine_dims", "9 dimensions long", entry("shape", [1] * 8 + [4]))
    yield Case("shape_lies", "expected 4000000 bytes for", entry("shape", [1_000_000]))
    yield Case("dtype_lies", "expected 8 bytes for F16 [1, 4]", entry("dtype", "F16"))
    header, _ = layout(*bare_plan())
    begin, end = header["state/g/s"]["data_offsets"]
    yield Case(
        "offsets_three", "an array of 3, expected [begin, end]", entry("data_offsets", [0, 1, 2])
    )
    yield Case("offsets_number", "data_offsets is number", entry("data_offsets", 3))
    yield Case("offsets_negative", "data_offsets[0] is -16", entry("data_offsets", [-16, 0]))
    yield Case("offsets_reversed", f"is [{end}, {begin}]", entry("data_offsets", [end, begin]))
    yield Case(
        "offsets_wrap", "is [18446744073709551615, 15]", entry("data_offsets", [2**64 - 1, 15])
    )
    yield Case("offsets_over_64_bit", "data_offsets[1] is 1.8", entry("data_offsets", [0, 2**64]))
    yield Case(
        "offsets_overlap", "overlaps another tensor", entry("data_offsets", [begin - 4, end - 4])
    )
    yield Case("offsets_hole", "expected 16: there is a hole", shifted_by(4))
    yield Case(
        "offsets_far", "there is a hole before it", entry("data_offsets", [10**15, 10**15 + 16])
    )


def shifted_by(gap: int) -> bytes:
    """Two tensors, and `gap` bytes that belong to neither."""
    manifest, _ = bare_plan()
    header = {
        "__metadata__": {"talkrt.plan": compact(manifest)},
        "a": {"dtype": "U8", "shape": [16], "data_offsets": [0, 16]},
        "b": {"dtype": "U8", "shape": [16], "data_offsets": [16 + gap, 32 + gap]},
    }
    return pack(header, bytes(32 + gap))
