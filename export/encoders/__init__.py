# SPDX-License-Identifier: Apache-2.0
"""Speech encoders: 16 kHz speech to hidden vectors or letters, one per 20 ms."""
