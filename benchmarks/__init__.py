# SPDX-License-Identifier: Apache-2.0
"""Benchmarks of TalkRT; installed as talkrt.benchmarks."""
