# SPDX-License-Identifier: Apache-2.0
"""Figures of a plan that are the same in every run: a gate where no clock can be trusted."""
