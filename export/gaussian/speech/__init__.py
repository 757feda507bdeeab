# SPDX-License-Identifier: Apache-2.0
"""From speech to lips: the data, the network and the judging of the speech_to_motion graph."""
