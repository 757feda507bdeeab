# SPDX-License-Identifier: Apache-2.0
"""A signal ends a command, wherever it arrives."""

import subprocess
import sys

COMMAND = """
import os, signal, time, typer
from talkrt.cli.run import run

class Late:
    def __del__(self):
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(0.05)

app = typer.Typer()

@app.command()
def main():
    try:
        Late()
        time.sleep(60)
    finally:
        print("cleaned up")

raise SystemExit(run(lambda: app, "tool", []))
"""


def test_a_signal_in_a_finalizer_is_not_lost():
    found = subprocess.run(
        [sys.executable, "-c", COMMAND], capture_output=True, text=True, timeout=50, check=False
    )
    assert found.returncode == 128 + 15
    assert (found.stdout, found.stderr) == ("cleaned up\n", "")
