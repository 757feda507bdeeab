# SPDX-License-Identifier: Apache-2.0
"""Other renderers of Gaussians on the same scenes, in the same run."""
