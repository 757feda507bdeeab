# SPDX-License-Identifier: Apache-2.0
"""The head is built once for all tests of a run: that takes some seconds."""

import pytest
from talkrt.export.gaussian.head.rig.build import Avatar, build_avatar


@pytest.fixture(scope="session")
def avatar() -> Avatar:
    return build_avatar()
