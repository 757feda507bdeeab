# SPDX-License-Identifier: Apache-2.0
"""Judges trained weights on held-out voices and sentences and writes the training report.

    python -m talkrt.export.gaussian.speech.report --weights weights/speech_to_motion.safetensors \\
        --without-flite espeak_only.safetensors --without-espeak flite_only.safetensors

Beside the weights it leaves report.json (every number) and report.md (the required ones).
"""

from __future__ import annotations

import argparse
import json
import platform
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from .dataset import cached_streams
from .evaluate import clips_of
from .metrics import score
from .module import WEIGHTS, load_net
from .noise import NOISES
from .train import HELD_OUT_SEED
from .voices import (
    HELD_OUT_ACCENT,
    HELD_OUT_FLITE,
    HELD_OUT_VARIANTS,
    Shard,
    engine_plan,
    held_out_plan,
)

_NOISE_SEED = 5


@dataclass(frozen=True, slots=True)
class Requirement:
    condition: str  # "clean", or "noise" for the worst of the three
    metric: str
    words: str
    bound: float


REQUIRED = (
    Requirement("clean", "jaw_all", "jaw correlation, all frames, median over clips", 0.92),
    Requirement("clean", "jaw_speech", "jaw correlation, inside speech, median over clips", 0.82),
    Requirement("clean", "closed_40ms", "p b m closed within 40 ms", 0.97),
    Requirement("clean", "silence_closed", "silent frames closed", 0.98),
    Requirement("noise", "closed_40ms", "p b m closed within 40 ms, noise at 10 dB", 0.85),
    Requirement("noise", "silence_closed", "silent frames closed, noise at 10 dB", 0.95),
)
LAG_MS = 20.0


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--weights", type=Path, default=WEIGHTS)
    parser.add_argument("--earlier", type=Path, nargs="*", default=[], help="of earlier stages")
    parser.add_argument("--note", default="", help="a sentence about the training")
    parser.add_argument("--without-flite", type=Path, help="weights of a control training")
    parser.add_argument("--without-espeak", type=Path, help="weights of a control training")
    parser.add_argument("--data", type=Path, default=Path("build/speech"), help="stream cache")
    options = parser.parse_args()
    plan = held_out_plan(HELD_OUT_SEED)
    report: dict[str, Any] = {
        "machine": _machine(),
        "training": [_settings(path) for path in (*options.earlier, options.weights)],
        "note": options.note,
        "held_out": {
            "espeak_variants": HELD_OUT_VARIANTS,
            "espeak_accent": HELD_OUT_ACCENT,
            "flite_voice": HELD_OUT_FLITE,
            "seed": HELD_OUT_SEED,
            "noise_seed": _NOISE_SEED,
        },
        "scores": _judge(options.weights, plan, options.data, by_engine=True),
        "controls": {},
    }
    for left_out, path in (("flite", options.without_flite), ("espeak", options.without_espeak)):
        if path is not None:
            report["controls"][left_out] = {
                "training": [_settings(path)],
                "scores": _judge(path, engine_plan(left_out, HELD_OUT_SEED), options.data),
            }
    folder = options.weights.parent
    text = json.dumps(report, indent=1) + "\n"
    (folder / "report.json").write_text(text, encoding="utf-8")
    (folder / "report.md").write_text(markdown(report), encoding="utf-8")
    print(markdown(report))


def _judge(
    weights: Path, plan: list[Shard], data: Path, by_engine: bool = False
) -> dict[str, dict[str, dict[str, float]]]:
    """Scores by group of streams and by noise."""
    net = load_net(weights)
    streams = list(cached_streams(plan, data, processes=2))
    found: dict[str, dict[str, dict[str, float]]] = {}
    for noise in ("clean", *NOISES):
        clips = clips_of(net, streams, noise, _NOISE_SEED)
        groups = {"all": clips}
        if by_engine:
            for engine in ("espeak", "flite"):
                pairs = zip(plan, clips, strict=True)
                groups[engine] = [clip for shard, clip in pairs if shard.engine == engine]
        for name, chosen in groups.items():
            found.setdefault(name, {})[noise] = score(chosen).as_dict()
    return found


def _settings(weights: Path) -> dict[str, str]:
    from safetensors import safe_open

    with safe_open(weights, framework="numpy") as file:
        return dict(file.metadata() or {})


def _machine() -> str:
    name = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        lines = cpuinfo.read_text(encoding="utf-8").splitlines()
        name = next((x.split(":")[1].strip() for x in lines if x.startswith("model name")), name)
    return f"{name}, Python {platform.python_version()}, NumPy {np.__version__}"


def markdown(report: dict[str, Any]) -> str:
    scores = report["scores"]["all"]
    lines = [
        "# Speech to motion: training report",
        "",
        f"Machine: {report['machine']}.",
        "",
        *_stages(report["training"]),
        *([report["note"], ""] if report["note"] else []),
        f"Held-out sentences by held-out voices: eSpeak NG {', '.join(HELD_OUT_VARIANTS)} in five",
        f"languages, Flite {HELD_OUT_FLITE}; {scores['clean']['seconds']:.0f} s,",
        f"{scores['clean']['closures']} closures. No",
        "training step heard them, but they were looked at while this recipe was made.",
        "",
        "| required | bound | all voices | eSpeak NG | Flite |",
        "|---|---|---|---|---|",
    ]
    for required in REQUIRED:
        cells = [_value(report["scores"][g], required) for g in ("all", "espeak", "flite")]
        mark = "" if cells[0] >= required.bound else " **missed**"
        row = " | ".join(f"{cell:.3f}" for cell in cells)
        lines.append(f"| {required.words} | {required.bound}{mark} | {row} |")
    lags = [report["scores"][g]["clean"]["lag_ms"] for g in ("all", "espeak", "flite")]
    row = " | ".join(f"{lag:+.1f}" for lag in lags)
    lines.append(f"| lag, ms (positive: picture late) | +-{LAG_MS:.0f} | {row} |")
    lines += ["", "In noise the worst of white, pink and babble counts.", ""]
    lines += _missed(scores)
    for left_out, control in report["controls"].items():
        lines += _control(left_out, control)
    lines += [
        "All numbers, also those not required (false closures, rounding, range): report.json;",
        "their definitions: ../metrics.py.",
        "",
    ]
    return "\n".join(lines)


def _missed(scores: dict[str, dict[str, float]]) -> list[str]:
    short = [(r.words, r.bound - _value(scores, r)) for r in REQUIRED]
    words = [f"{name}, by {amount:.4f}" for name, amount in short if amount > 0]
    return [f"Missed: {'; '.join(words)}.", ""] if words else []


def _value(groups: dict[str, dict[str, float]], required: Requirement) -> float:
    conditions = ("clean",) if required.condition == "clean" else NOISES
    return min(groups[condition][required.metric] for condition in conditions)


def _control(left_out: str, control: dict[str, Any]) -> list[str]:
    clean = control["scores"]["all"]["clean"]
    noise = min(control["scores"]["all"][n]["closed_40ms"] for n in NOISES)
    goal = " (goal 0.75)" if left_out == "flite" else ""
    return [
        f"Control trained without {left_out} ({_words(control['training'][0])}),",
        f"judged on held-out sentences by {left_out}:",
        f"closures {clean['closed_40ms']:.3f}{goal}, in the worst noise at 10 dB {noise:.3f};",
        f"jaw correlation {clean['jaw_all']:.3f} over all frames, {clean['jaw_speech']:.3f} inside",
        f"speech; silence closed {clean['silence_closed']:.3f}.",
        "",
    ]


def _stages(training: list[dict[str, str]]) -> list[str]:
    lines = []
    for number, settings in enumerate(training, start=1):
        lines += [f"Training, stage {number}: {_words(settings)}.", ""]
    return lines


def _words(settings: dict[str, str]) -> str:
    return ", ".join(f"{name} {value}" for name, value in settings.items() if value)


if __name__ == "__main__":
    main()
