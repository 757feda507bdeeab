# SPDX-License-Identifier: Apache-2.0
import subprocess
import sys

import talkrt


def test_importing_talkrt_loads_numpy_and_no_other_package() -> None:
    heavy = ["av", "typer", "rich", "onnxruntime", "safetensors", "torch", "onnx", "scipy"]
    code = (
        "import sys, talkrt\n"
        f"print([name for name in {heavy} if name in sys.modules], 'numpy' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[] True"


def test_creating_an_engine_does_not_import_onnxruntime() -> None:
    code = "import sys, talkrt; talkrt.Engine().describe(); print('onnxruntime' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_every_public_name_exists() -> None:
    for name in talkrt.__all__:
        assert getattr(talkrt, name) is not None


def test_an_unknown_name_is_an_attribute_error() -> None:
    try:
        talkrt.nothing_of_this_name  # noqa: B018
    except AttributeError as error:
        assert "nothing_of_this_name" in str(error)
    else:
        raise AssertionError("no AttributeError")
