# SPDX-License-Identifier: Apache-2.0
"""Heads that LAM made: a rigged mesh and a Gaussian for each of its vertices."""
