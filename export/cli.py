# SPDX-License-Identifier: Apache-2.0
"""`talkrt export`: from a model to a plan that is proven equal to it."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from .vasa1.command import vasa1

if TYPE_CHECKING:
    from .gaussian.scene.options import SceneOptions
    from .report import Exported, Steps

app = typer.Typer(
    name="export",
    help="Turn a model into a plan, with a parity table; nothing is written when it fails.",
    no_args_is_help=True,
    add_completion=False,
)


@app.callback()
def _commands() -> None:
    """The models are sub-commands; those with a file of their own are named here."""


app.command()(vasa1)


SCENE = "Any Gaussian scene (with --ply)"
RIGGED = "A rigged head"
TRAINED = "A trained avatar (with --talkinggaussian or --gaussiantalker)"


@app.command()
def gaussian(
    context: typer.Context,
    output: Annotated[Path, typer.Option("-o", "--output", help="The plan to write.")],
    name: Annotated[
        str | None,
        typer.Option(help="The plan's name; by default 'demo', or the file's or folder's."),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
    seed: Annotated[int, typer.Option(help="Of the synthetic head.")] = 7,
    gaussians: Annotated[
        int, typer.Option(help="How many in the head, at most.", min=1000)
    ] = 50_000,
    lam: Annotated[
        Path | None,
        typer.Option(
            help="A head that LAM made: the folder or zip of its export for chatting avatars.",
            rich_help_panel=RIGGED,
        ),
    ] = None,
    talkinggaussian: Annotated[
        Path | None,
        typer.Option(
            help="The folder that TalkingGaussian trained, or its fused checkpoint.",
            rich_help_panel=TRAINED,
        ),
    ] = None,
    gaussiantalker: Annotated[
        Path | None,
        typer.Option(help="The folder that GaussianTalker trained.", rich_help_panel=TRAINED),
    ] = None,
    dataset: Annotated[
        Path | None,
        typer.Option(
            help="The folder trained on (transforms_*.json, au.csv, bc.jpg, torso_imgs); by "
            "default the one that cfg_args names.",
            rich_help_panel=TRAINED,
        ),
    ] = None,
    audio_features: Annotated[
        Path | None,
        typer.Option(
            help="The recording's audio features, .npy; by default aud_ds.npy, aud_eo.npy or "
            "aud_hu.npy of the dataset.",
            rich_help_panel=TRAINED,
        ),
    ] = None,
    audio_encoder: Annotated[
        Path | None,
        typer.Option(
            help="HuBERT or wav2vec2 as Hugging Face stores it, or DeepSpeech as .onnx: the plan "
            "then makes its features from audio. Without it, hosts push features.",
            rich_help_panel=TRAINED,
        ),
    ] = None,
    encoder_window: Annotated[
        str | None,
        typer.Option(
            help="BEFORE,STEP,AFTER in ms: what the encoder hears around each step of speech.",
            rich_help_panel=TRAINED,
        ),
    ] = None,
    loop_seconds: Annotated[
        float,
        typer.Option(
            min=0.04,
            max=600,
            help="How much of the recording to play, forwards and backwards.",
            rich_help_panel=TRAINED,
        ),
    ] = 6.0,
    dilate: Annotated[
        bool,
        typer.Option("--dilate", help="TalkingGaussian's --dilate.", rich_help_panel=TRAINED),
    ] = False,
    torso: Annotated[
        bool,
        typer.Option(
            "--torso/--no-torso",
            help="--no-torso for GaussianTalker's torso branch, whose Gaussians are the torso.",
            rich_help_panel=TRAINED,
        ),
    ] = True,
    ply: Annotated[
        Path | None,
        typer.Option(
            help="A scene: 3DGS .ply (binary or text), packed .ply (PlayCanvas, SuperSplat), "
            ".splat or .spz. Its content says which.",
            rich_help_panel=SCENE,
        ),
    ] = None,
    up: Annotated[
        str | None,
        typer.Option(
            help="The axis that points up: x, y, z, -x, -y or -z. By default -y, as COLMAP has it; "
            "y for .spz.",
            rich_help_panel=SCENE,
        ),
    ] = None,
    camera: Annotated[
        Path | None,
        typer.Option(
            help='The first view, JSON {"viewmat": [16], "K": [9]}; by default found from where '
            "the splats are.",
            rich_help_panel=SCENE,
        ),
    ] = None,
    size: Annotated[
        str, typer.Option(help="WIDTHxHEIGHT of a picture.", rich_help_panel=SCENE)
    ] = "1280x720",
    fps: Annotated[
        str, typer.Option(help="Of a camera path, 1 to 240.", rich_help_panel=SCENE)
    ] = "30",
    background: Annotated[
        str, typer.Option(help="#RRGGBB or a color name.", rich_help_panel=SCENE)
    ] = "black",
    antialias: Annotated[
        bool | None,
        typer.Option(
            "--antialias/--no-antialias",
            help="Trained with anti-aliasing (mip-splatting); by default as the file says, or no.",
            rich_help_panel=SCENE,
        ),
    ] = None,
    convention: Annotated[
        str,
        typer.Option(
            help="The rasterizer that it was trained with, gsplat or inria.", rich_help_panel=SCENE
        ),
    ] = "gsplat",
    sh_degree: Annotated[
        int | None,
        typer.Option(min=0, max=3, help="Keep SH up to this degree.", rich_help_panel=SCENE),
    ] = None,
    licence: Annotated[
        str | None, typer.Option(help="Of the scene or the avatar, for the manifest.")
    ] = None,
) -> None:
    """The synthetic head with its speech-to-motion network; with --lam a head of LAM's, with
    --talkinggaussian or --gaussiantalker an avatar trained by these, with --ply any Gaussian scene.
    """
    given = {
        parameter
        for parameter in context.params
        if (source := context.get_parameter_source(parameter)) and source.name == "COMMANDLINE"
    }
    if not output.parent.is_dir():
        _fail(f"{output}: the folder {output.parent} does not exist")
    if lam is not None:
        wrong = given - {"output", "name", "json", "lam", "licence", "background"}
        _refuse_options(wrong, "not with --lam")
        _lam(lam, output, name, licence, background if "background" in given else "white", json)
        return
    recorded = {"dataset", "audio_features", "audio_encoder", "encoder_window", "loop_seconds"}
    if talkinggaussian or gaussiantalker:
        if audio_encoder is None:
            _refuse_options(given & {"encoder_window"}, "only with --audio-encoder")
        shared = recorded | {"name", "licence", "output", "json"}
        if talkinggaussian:
            _refuse_options(
                given - shared - {"talkinggaussian", "dilate"}, "not with --talkinggaussian"
            )
        else:
            _refuse_options(
                given - shared - {"gaussiantalker", "torso"}, "not with --gaussiantalker"
            )
        _trained(
            talkinggaussian,
            gaussiantalker,
            output,
            json,
            dataset=dataset,
            audio_features=audio_features,
            audio_encoder=audio_encoder,
            encoder_window=encoder_window,
            name=name,
            licence=licence,
            loop_seconds=loop_seconds,
            dilate=dilate,
            torso=torso,
        )
        return
    _refuse_options(
        given & (recorded | {"dilate", "torso"}),
        "only with --talkinggaussian or --gaussiantalker",
    )
    if ply is None:
        _refuse_options(given - {"output", "name", "json", "seed", "gaussians"}, "only with --ply")
        _head(output, seed, gaussians, name or "demo", json)
        return
    _refuse_options(given & {"seed", "gaussians"}, "for the synthetic head only, not with --ply")
    from .gaussian.scene.options import scene_options

    try:
        options = scene_options(
            name=name,
            licence=licence,
            up=up,
            camera=camera,
            size=size,
            fps=fps,
            background=background,
            antialias=antialias,
            convention=convention,
            sh_degree=sh_degree,
        )
    except ValueError as error:
        _fail(str(error))
    _scene(ply, output, options, json)


def _head(output: Path, seed: int, gaussians: int, name: str, json: bool) -> None:
    from .gaussian.convert import export_head

    _rigged(
        json, lambda steps: export_head(output, seed=seed, count=gaussians, name=name, steps=steps)
    )


def _lam(
    source: Path, output: Path, name: str | None, licence: str | None, background: str, json: bool
) -> None:
    from .gaussian.lam.convert import export_lam
    from .gaussian.scene.options import check_texts, plain_color

    called = name or source.resolve().stem
    try:
        check_texts(called, licence)
        color = plain_color(background)
    except ValueError as error:
        _fail(str(error))
    _rigged(
        json,
        lambda steps: export_lam(
            source, output, name=called, licence=licence, background=color, steps=steps
        ),
    )


def _trained(
    talkinggaussian: Path | None,
    gaussiantalker: Path | None,
    output: Path,
    json: bool,
    **options: Any,
) -> None:
    from .encoders.window import parse_window
    from .gaussian.scene.options import check_texts
    from .gaussian.trained.convert import (
        AvatarOptions,
        export_gaussiantalker,
        export_talkinggaussian,
    )
    from .gaussian.trained.report import avatar_json, avatar_table
    from .parity import ParityError
    from .report import Steps

    try:
        check_texts(options["name"] or "avatar", options["licence"])
        if options["encoder_window"] is not None:
            options["encoder_window"] = parse_window(options["encoder_window"])
        given = AvatarOptions(**options)
        with Steps(quiet=json) as steps:
            if talkinggaussian:
                result = export_talkinggaussian(talkinggaussian, output, given, steps)
            elif gaussiantalker:
                result = export_gaussiantalker(gaussiantalker, output, given, steps)
    except (ParityError, OSError, ValueError) as error:
        _fail(str(error))
    except KeyboardInterrupt:
        print("interrupted; nothing was written", file=sys.stderr)
        raise typer.Exit(130) from None
    print(avatar_json(result) if json else avatar_table(result))


def _rigged(json: bool, export: Callable[[Steps], Exported]) -> None:
    from .parity import ParityError
    from .report import Steps, parity_json, parity_table

    try:
        with Steps(quiet=json) as steps:
            result = export(steps)
    except (ParityError, OSError, ValueError) as error:
        _fail(str(error))
    except KeyboardInterrupt:
        print("interrupted; nothing was written", file=sys.stderr)
        raise typer.Exit(130) from None
    print(parity_json(result) if json else parity_table(result))


def _scene(scene: Path, output: Path, options: SceneOptions, json: bool) -> None:
    from .gaussian.scene.convert import export_scene
    from .gaussian.scene.report import scene_json, scene_summary
    from .report import Steps

    try:
        with Steps(quiet=json) as steps:
            result = export_scene(scene, output, options, steps)
    except OSError as error:
        _fail(f"{error.filename or scene}: {error.strerror or error}")
    except ValueError as error:
        _fail(str(error))
    print(scene_json(result) if json else scene_summary(result))


def _refuse_options(names: set[str], why: str) -> None:
    if names:
        options = ", ".join(f"--{name.replace('_', '-')}" for name in sorted(names))
        _fail(f"{options} {why}")


def _fail(message: str) -> NoReturn:
    print(f"talkrt export: {message}", file=sys.stderr)
    raise typer.Exit(1)
