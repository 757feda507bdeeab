# SPDX-License-Identifier: Apache-2.0
"""`talkrt export vasa1`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

if TYPE_CHECKING:
    from .motion_generator import Positions
    from .weights import Weights

MOST_SEED = 2**53


def vasa1(
    output: Annotated[Path, typer.Option("-o", "--output", help="The plan to write.")],
    weights: Annotated[
        Path | None,
        typer.Option(help="The folder with the published weights of LivePortrait and JoyVASA."),
    ] = None,
    untrained: Annotated[
        int | None,
        typer.Option(
            min=0,
            max=MOST_SEED,
            metavar="SEED",
            help="Instead of weights: random numbers of this seed. The plan says so, and so does "
            "whoever runs it.",
        ),
    ] = None,
    tiny: Annotated[
        bool, typer.Option("--tiny", help="With --untrained: the same architecture, narrow.")
    ] = False,
    half: Annotated[
        bool,
        typer.Option("--half", help="Compute in float16, but for what breaks there (DESIGN.md)."),
    ] = False,
    positions: Annotated[
        str,
        typer.Option(
            help="The position encoding that the motion network was trained with: constant (the "
            "released weights) or per_token. Its file does not say."
        ),
    ] = "constant",
    name: Annotated[str, typer.Option(help="The plan's name.")] = "vasa1",
    licence: Annotated[str | None, typer.Option(help="Of the weights, for the manifest.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """One portrait and a voice: LivePortrait's renderer moved by JoyVASA's motion diffusion."""
    if (weights is None) == (untrained is None):
        _fail("give either --weights DIR or --untrained SEED")
    if tiny and untrained is None:
        _fail("--tiny only with --untrained: published weights have their own widths")
    if positions not in ("constant", "per_token"):
        _fail(f"--positions is {positions!r}, expected constant or per_token")
    if not output.parent.is_dir():
        _fail(f"{output}: the folder {output.parent} does not exist")
    if not 1 <= len(name) <= 64:
        _fail(f"--name has {len(name)} characters, expected 1 to 64")
    kept: Positions = "per_token" if positions == "per_token" else "constant"
    try:
        _export(output, weights, untrained, tiny, half, kept, name, licence, json)
    except KeyboardInterrupt:
        print("interrupted; nothing was written", file=sys.stderr)
        raise typer.Exit(130) from None


def _export(
    output: Path,
    folder: Path | None,
    seed: int | None,
    tiny: bool,
    half: bool,
    positions: Positions,
    name: str,
    licence: str | None,
    json: bool,
) -> None:
    try:
        from ..parity import ParityError
        from ..report import Steps
        from .convert import export_vasa1
        from .graphs import PICTURE
        from .manifest import Identity
        from .report import converted_json, converted_table
        from .untrained import TINY
    except ImportError as error:
        _fail(f"needs the package {error.name}; install talkrt[export]")
    try:
        with Steps(quiet=json) as steps:
            with steps.step("read the weights"):
                weights = _weights(folder, seed, tiny, positions)
            result = export_vasa1(
                output,
                weights,
                Identity(name, licence, seed),
                steps,
                picture=TINY.picture if tiny else PICTURE,
                precision="float16" if half else "float32",
            )
    except OSError as error:
        _fail(f"{error.filename or output}: {error.strerror or error}")
    except (ParityError, ValueError) as error:
        _fail(str(error))
    print(converted_json(result) if json else converted_table(result))


def _weights(folder: Path | None, seed: int | None, tiny: bool, positions: Positions) -> Weights:
    from dataclasses import replace

    from .untrained import FULL, TINY, untrained
    from .weights import read_weights

    if folder is not None:
        return read_weights(folder, positions)
    assert seed is not None
    size = TINY if tiny else FULL
    return untrained(replace(size, motion=replace(size.motion, positions=positions)), seed)


def _fail(message: str) -> NoReturn:
    print(f"talkrt export: {message}", file=sys.stderr)
    raise typer.Exit(1)
