# SPDX-License-Identifier: Apache-2.0
"""The network's clock. Step n hears the samples up to n * STEP + 560, for it takes log-mel frames
2 n and 2 n + 1, and answers for sample n * STEP + TIME_OFFSET: a look-ahead of 1920 samples.
"""

STEP = 320  # samples, 20 ms
FRAMES_PER_STEP = 2
TIME_OFFSET = -1360  # samples
LOOK_AHEAD = STEP // FRAMES_PER_STEP + 400 - TIME_OFFSET  # samples; 120 ms is the most allowed
