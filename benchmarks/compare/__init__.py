# SPDX-License-Identifier: Apache-2.0
"""Is B slower than A? Fresh processes in turn, and statistics over rounds."""
