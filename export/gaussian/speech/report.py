# SPDX-License-Identifier: Apache-2.0
"""Judges final weights on the test voices and sentences and writes the training report.

    python -m talkrt.export.gaussian.speech.report \\
        --without-flite espeak_only.safetensors --without-espeak flite_only.safetensors

Beside the weights it leaves report.json (every number) and report.md (the required ones). Run it
once, when nothing is left to be decided: what has been looked at no longer tells how well unseen
voices do.
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
from .train import DEVELOPMENT_SEED
from .voices import (
    ACCENTS,
    DEVELOPMENT_ACCENT,
    DEVELOPMENT_VARIANTS,
    FLITE,
    TEST_ACCENT,
    TEST_FLITE,
    TEST_VARIANTS,
    VARIANTS,
    Shard,
    development_plan,
    engine_plan,
    unseen_plan,
)

TEST_SEED = 31
_NOISE_SEED = 5
_SETS = """\
No voice or sentence of one set is in another, but for Flite's voices in development. The test
voices were drawn by a seed and the test sentences written before training began (../voices.py).
The recipe was chosen on development voices; the test voices and sentences of the recipe before
this one are for training and development now. Flite has four voices, so its test voice had taught
networks before this one; this one has not heard it.
"""
_ACCENTS = sum(len(accents) for accents in ACCENTS.values())


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
# Not required, but a viewer sees them.
ALSO = (
    ("clean", "jaw_all_pooled", "jaw correlation, all frames, all clips pooled"),
    ("clean", "jaw_speech_pooled", "jaw correlation, inside speech, all clips pooled"),
    ("clean", "false_closures_per_s", "false closures per second of speech"),
    ("noise", "false_closures_per_s", "false closures per second of speech, noise at 10 dB"),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--weights", type=Path, default=WEIGHTS)
    parser.add_argument("--without-flite", type=Path, help="weights of a control training")
    parser.add_argument("--without-espeak", type=Path, help="weights of a control training")
    parser.add_argument("--data", type=Path, default=Path("build/speech"), help="stream cache")
    options = parser.parse_args()
    report: dict[str, Any] = {
        "machine": _machine(),
        "training": _settings(options.weights),
        "voices": {
            "training": {"espeak": VARIANTS, "flite": FLITE},
            "development": {
                "espeak": DEVELOPMENT_VARIANTS,
                "accent": DEVELOPMENT_ACCENT,
                "seed": DEVELOPMENT_SEED,
            },
            "test": {
                "espeak": TEST_VARIANTS,
                "accent": TEST_ACCENT,
                "flite": TEST_FLITE,
                "seed": TEST_SEED,
            },
            "noise_seed": _NOISE_SEED,
        },
        "test": _judge(options.weights, unseen_plan(TEST_SEED), options.data),
        "development": _judge(options.weights, development_plan(DEVELOPMENT_SEED), options.data),
        "controls": {},
    }
    for left_out, path in (("flite", options.without_flite), ("espeak", options.without_espeak)):
        if path is not None:
            report["controls"][left_out] = {
                "training": _settings(path),
                "scores": _judge(path, engine_plan(left_out, TEST_SEED), options.data),
            }
    folder = options.weights.parent
    text = json.dumps(report, indent=1) + "\n"
    (folder / "report.json").write_text(text, encoding="utf-8")
    (folder / "report.md").write_text(markdown(report), encoding="utf-8")
    print(markdown(report))


def _judge(weights: Path, plan: list[Shard], data: Path) -> dict[str, dict[str, dict[str, float]]]:
    """Scores by group of streams and by noise."""
    net = load_net(weights)
    streams = list(cached_streams(plan, data, processes=2))
    found: dict[str, dict[str, dict[str, float]]] = {}
    for noise in ("clean", *NOISES):
        clips = clips_of(net, streams, noise, _NOISE_SEED)
        groups = {"all": clips}
        for engine in {shard.engine for shard in plan}:
            pairs = zip(plan, clips, strict=True)
            groups[engine] = [clip for shard, clip in pairs if shard.engine == engine]
        for name, chosen in groups.items():
            found.setdefault(name, {})[noise] = score(chosen).as_dict()
    return found


def _settings(weights: Path) -> dict[str, str]:
    from safetensors import safe_open

    with safe_open(weights, framework="numpy") as file:
        return dict(sorted((file.metadata() or {}).items()))


def _machine() -> str:
    name = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        lines = cpuinfo.read_text(encoding="utf-8").splitlines()
        name = next((x.split(":")[1].strip() for x in lines if x.startswith("model name")), name)
    return f"{name}, Python {platform.python_version()}, NumPy {np.__version__}"


def markdown(report: dict[str, Any]) -> str:
    test, development = report["test"], report["development"]["all"]
    columns = [test["all"], test["espeak"], test["flite"], development]
    clean = test["all"]["clean"]
    lines = [
        "# Speech to motion: training report",
        "",
        "The committed weights were made from nothing by one command, with its default settings:",
        "`python -m talkrt.export.gaussian.speech.train`. They were judged on the test voices and",
        "sentences once, after everything was decided; these are the numbers of that run.",
        "",
        f"Settings: {_words(report['training'])}.",
        "",
        f"Machine: {report['machine']}; one thread.",
        "",
        "| voices | eSpeak NG | Flite | used for |",
        "|---|---|---|---|",
        f"| training | {len(VARIANTS)} variants in {_ACCENTS} accents | {', '.join(FLITE)} |"
        " learning |",
        f"| development | {', '.join(DEVELOPMENT_VARIANTS)}; accent {DEVELOPMENT_ACCENT} |"
        " training voices, new sentences | choosing the recipe; shifts of pauses and closures |",
        f"| test | {', '.join(TEST_VARIANTS)}; accent {TEST_ACCENT} | {TEST_FLITE} |"
        " the numbers below |",
        "",
        _SETS,
        f"The test set is five languages, {clean['clips']} clips, {clean['seconds']:.0f} s and",
        f"{clean['closures']} closures.",
        "",
        "| required | bound | all test voices | eSpeak NG | Flite | development |",
        "|---|---|---|---|---|---|",
    ]
    for required in REQUIRED:
        cells = [_value(column, required) for column in columns]
        mark = "" if cells[0] >= required.bound else " **missed**"
        row = " | ".join(f"{cell:.3f}" for cell in cells)
        lines.append(f"| {required.words} | {required.bound}{mark} | {row} |")
    row = " | ".join(f"{column['clean']['lag_ms']:+.1f}" for column in columns)
    lines.append(f"| lag, ms (positive: picture late) | +-{LAG_MS:.0f} | {row} |")
    for condition, metric, words in ALSO:
        names = ("clean",) if condition == "clean" else NOISES
        worst = [max(column[name][metric] for name in names) for column in columns]
        lines.append(f"| {words} | none | {' | '.join(f'{value:.3f}' for value in worst)} |")
    lines += ["", "In noise the worst of white, pink and babble counts.", ""]
    lines += _missed(test["all"])
    for left_out, control in report["controls"].items():
        lines += _control(left_out, control)
    lines += ["All numbers: report.json; their definitions: ../metrics.py.", ""]
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
        f"Control trained without {left_out} ({_words(control['training'])}),",
        f"judged on test sentences by {left_out}:",
        f"closures {clean['closed_40ms']:.3f}{goal}, in the worst noise at 10 dB {noise:.3f};",
        f"jaw correlation {clean['jaw_all']:.3f} over all frames, {clean['jaw_speech']:.3f} inside",
        f"speech; silence closed {clean['silence_closed']:.3f}.",
        "",
    ]


def _words(settings: dict[str, str]) -> str:
    return ", ".join(f"{name} {value}" for name, value in settings.items())


if __name__ == "__main__":
    main()
