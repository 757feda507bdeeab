# SPDX-License-Identifier: Apache-2.0
"""The recorded outputs, and the rule that makes the weights and inputs behind them."""

import importlib.util
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def golden():
    path = Path(__file__).parent / "golden.py"
    spec = importlib.util.spec_from_file_location("vasa1_golden", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(autouse=True)
def no_gradients():
    import torch

    with torch.no_grad():
        yield
