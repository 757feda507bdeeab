# SPDX-License-Identifier: Apache-2.0
"""From trained models to plans."""
