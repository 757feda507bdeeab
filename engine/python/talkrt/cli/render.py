# SPDX-License-Identifier: Apache-2.0
"""talkrt render: a clip from a plan and speech, or from a scene and a camera's path."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from talkrt import rendering
from talkrt.batch import render_batch
from talkrt.cli.options import (
    Device,
    DeviceBudget,
    HostBudget,
    parse_budgets,
    parse_emotion,
    parse_fps,
    parse_pair,
    parse_size,
)
from talkrt.cli.portraits import FaceOptions, Taken, read_portraits
from talkrt.controls import Controls
from talkrt.engine import Engine
from talkrt.errors import Error
from talkrt.model import Model
from talkrt.planes import DEPTH_SCALE
from talkrt.portrait_options import PortraitOptions

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)

Degrees = Annotated[float, typer.Option(help="Degrees added to the head, -60 to 60.")]


@app.command()
def render(
    plan: Annotated[str, typer.Argument(help="The plan file.", show_default=False)],
    audio: Annotated[
        list[str] | None,
        typer.Argument(help="Speech: any audio or video file, or several. A scene takes none."),
    ] = None,
    out: Annotated[
        str | None,
        typer.Option(
            "-o",
            "--out",
            help=".mp4, .webm, a folder, or a pattern like f/%05d.png. Of several clips or "
            "portraits: a folder, with a movie for each.",
        ),
    ] = None,
    portrait: Annotated[
        list[str] | None,
        typer.Option(help="A picture of a face to animate; may be given several times."),
    ] = None,
    face: Annotated[
        int | None, typer.Option(min=0, help="Which face of a portrait; 0 is the largest.")
    ] = None,
    face_box: Annotated[
        list[str] | None,
        typer.Option(
            help="LEFT,TOP,RIGHT,BOTTOM of the face in the portrait, pixels; one for each portrait."
        ),
    ] = None,
    detector: Annotated[
        str | None,
        typer.Option(help="Find faces by this ONNX network: image to boxes [N, 4] and scores [N]."),
    ] = None,
    landmarks: Annotated[
        str | None,
        typer.Option(help="Place the crop by this ONNX network of 106 or 203 landmarks."),
    ] = None,
    crop_only: Annotated[
        bool, typer.Option("--crop-only", help="The face's crop alone, not the whole portrait.")
    ] = False,
    steps: Annotated[
        int | None, typer.Option(min=4, max=50, help="Of denoising; by default the plan's.")
    ] = None,
    guidance: Annotated[
        float | None, typer.Option(help="How strongly motion follows speech; 0 to 20.")
    ] = None,
    eta: Annotated[float, typer.Option(help="Noise drawn while denoising, 0 to 1.")] = 0.0,
    hop: Annotated[
        int | None,
        typer.Option(help="Motion frames made at once; by default a whole window, as published."),
    ] = None,
    features: Annotated[
        str | None,
        typer.Option(
            help="The speech's features, .npy, for a plan without an audio encoder; AUDIO is then "
            "the movie's sound alone."
        ),
    ] = None,
    fps: Annotated[str | None, typer.Option(help="1 to 240; by default the plan's.")] = None,
    emotion: Annotated[str, typer.Option(help="NAME or NAME:INTENSITY, 0 to 1.")] = "neutral",
    yaw: Degrees = 0.0,
    pitch: Degrees = 0.0,
    roll: Degrees = 0.0,
    gaze: Annotated[str, typer.Option(help="YAW,PITCH in degrees, -30 to 30.")] = "0,0",
    distance: Annotated[float, typer.Option(help="1: as exported; 0.5 to 4.")] = 1.0,
    head_motion: Annotated[float, typer.Option(help="Scales the head's own motion, 0 to 2.")] = 1.0,
    expression: Annotated[
        float, typer.Option(help="Scales what speech does to the face, 0 to 2.")
    ] = 1.0,
    blink: Annotated[
        float, typer.Option(help="Added to both lids: 0 to 1, which closes them.")
    ] = 0.0,
    background: Annotated[
        str, typer.Option(help="plan, transparent, #RRGGBB, a color name, or a picture.")
    ] = "plan",
    size: Annotated[str | None, typer.Option(help="WIDTHxHEIGHT; by default the plan's.")] = None,
    camera: Annotated[
        str | None,
        typer.Option(
            help="plan, orbit, swing (both with :turns|degrees=,elevation=,seconds=), or a JSON "
            "path; by default plan, for a scene orbit."
        ),
    ] = None,
    depth: Annotated[
        str | None, typer.Option(help="Write depth too: a folder, %05d.png (16 bit) or %05d.npy.")
    ] = None,
    depth_scale: Annotated[
        float, typer.Option(help="Steps of a depth PNG per unit of the plan's world.")
    ] = DEPTH_SCALE,
    alpha: Annotated[
        str | None, typer.Option(help="Write alpha too: a folder, or %05d.png.")
    ] = None,
    strip: Annotated[str | None, typer.Option(help="Write a contact strip, a PNG file.")] = None,
    strip_frames: Annotated[int, typer.Option(help="Frames on the strip.")] = 8,
    seed: Annotated[int, typer.Option(min=0, help="Of blinks, gaze and head motion.")] = 1,
    idle: Annotated[bool, typer.Option(help="Blinks, gaze and head motion of its own.")] = True,
    threads: Annotated[int, typer.Option(min=0, help="0: one per core.")] = 0,
    device: Device = "auto",
    host_budget: HostBudget = None,
    device_budget: DeviceBudget = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as JSON.")] = False,
) -> None:
    """Render speech to a talking video with sound, or a scene along a camera's path: as a movie,
    PNG files, a contact strip, depth and alpha."""
    name, intensity = parse_emotion(emotion)
    gaze_yaw, gaze_pitch = parse_pair(gaze, "--gaze")
    controls = Controls(
        emotion=name,
        emotion_intensity=intensity,
        gaze_yaw=gaze_yaw,
        gaze_pitch=gaze_pitch,
        head_yaw=yaw,
        head_pitch=pitch,
        head_roll=roll,
        head_distance=distance,
        head_motion=head_motion,
        expression_scale=expression,
        blink=blink,
    )
    where = FaceOptions(face_box or (), face, detector, landmarks)
    if where.given and not portrait:
        raise Error(
            "--face, --face-box, --detector and --landmarks say where the face of a --portrait is: "
            "give one"
        )
    diffusion = PortraitOptions(
        crop_only=crop_only, steps=steps, hop=hop, eta=eta, guidance=guidance
    )
    clips = audio or []
    faces: dict[str, PortraitOptions] = {}
    taken: list[Taken] = []
    source: str | Model = plan
    budgets = parse_budgets(host_budget, device_budget)
    if portrait or len(clips) > 1 or any(budgets.values()):
        source = model = Engine(threads=threads, device=device).load(plan, **budgets)
        placed = read_portraits(portrait or [], model, where, diffusion)
        faces = {path: options for path, (options, _) in placed.items()}
        taken = [one for _, one in placed.values()]
        if not as_json:
            for note in filter(None, (one.note for one in taken)):
                print(note, file=sys.stderr)
    if len(clips) > 1 or len(faces) > 1:
        if out is None or (strip, camera, depth, alpha) != (None,) * 4 or background != "plan":
            raise Error(
                "several clips or portraits make movies in a folder: give it by -o, and no "
                "strip, camera, depth, alpha or background"
            )
        with _progress(visible=not as_json and sys.stderr.isatty()) as report:
            results = render_batch(
                model,
                clips,
                faces,
                out,
                fps=parse_fps(fps),
                size=parse_size(size),
                controls=controls,
                seed=seed,
                idle_motion=idle,
                progress=report,
            )
        if as_json:
            entries = [_entry(result) for result in results]
            shown = {"schema": "talkrt.render_batch/1", "clips": entries, **_portraits(taken)}
            print(json.dumps(shown))
        else:
            print("\n".join(_summary(result) for result in results))
        return
    with _progress(visible=not as_json and sys.stderr.isatty()) as report:
        result = rendering.render(
            source,
            clips[0] if clips else None,
            out,
            features=features,
            fps=parse_fps(fps),
            size=parse_size(size),
            controls=controls,
            background=background,
            camera=camera,
            depth=depth,
            alpha=alpha,
            depth_scale=depth_scale,
            seed=seed,
            idle_motion=idle,
            portrait=next(iter(faces.values()), diffusion),
            threads=threads,
            device=device,
            strip=strip,
            strip_frames=strip_frames,
            progress=report,
        )
    if as_json:
        shown = {"schema": "talkrt.render/1", **_entry(result), **_portraits(taken)}
        print(json.dumps(shown, indent=2))
    else:
        print(_summary(result))


@contextmanager
def _progress(visible: bool) -> Iterator[rendering.Progress]:
    if not visible:
        yield lambda done, total: None
        return
    bar = Progress(
        TextColumn("render"),
        BarColumn(),
        MofNCompleteColumn(),
        _Fps(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
    )
    with bar:
        task = bar.add_task("render", total=None)
        yield lambda done, total: bar.update(
            task, completed=done, total=None if total is None else max(total, done)
        )


class _Fps(ProgressColumn):
    def render(self, task: Task) -> Text:
        return Text("" if task.speed is None else f"{task.speed:.0f} FPS")


def _summary(result: rendering.Rendering) -> str:
    return (
        f"{', '.join(result.outputs)}: {result.frames} frames of {result.width}x{result.height}, "
        f"{result.seconds:.2f} s; rendered at {result.render_fps:.1f} FPS, "
        f"{result.whole_fps:.1f} FPS with files ({result.real_time_factor:.1f} times real time)"
    )


def _entry(result: rendering.Rendering) -> dict[str, Any]:
    derived = {
        "render_fps": result.render_fps,
        "whole_fps": result.whole_fps,
        "real_time_factor": result.real_time_factor,
    }
    return {**asdict(result), **derived}


def _portraits(taken: Sequence[Taken]) -> dict[str, Any]:
    return {"portraits": [asdict(one) for one in taken]} if taken else {}
