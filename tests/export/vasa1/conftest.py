# SPDX-License-Identifier: Apache-2.0
"""The recorded outputs with the rule behind them, and narrow networks with seeded weights."""

import importlib.util
from pathlib import Path

import pytest


def beside(name):
    path = Path(__file__).parent / f"{name}.py"
    spec = importlib.util.spec_from_file_location(f"vasa1_{name}", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def golden():
    return beside("golden")


@pytest.fixture(scope="session")
def tiny():
    pytest.importorskip("torch", reason="the export extra is not installed")
    return beside("tiny")


@pytest.fixture(scope="session")
def layout():
    pytest.importorskip("torch", reason="the export extra is not installed")
    return beside("published")


@pytest.fixture(autouse=True, scope="module")
def one_thread_without_gradients():
    """More threads spin while a machine is shared, and most of these networks are tiny."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    with torch.no_grad():
        yield
    torch.set_num_threads(threads)
