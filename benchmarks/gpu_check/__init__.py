# SPDX-License-Identifier: Apache-2.0
"""The GPU check: everything that only a GPU can show, in one run. What starts and judges the steps
needs nothing but Python, so that it can tell of a build that failed."""
