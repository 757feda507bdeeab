# SPDX-License-Identifier: Apache-2.0
"""Reports over time: kept in SQLite, drawn over commits, with the points where they changed."""
