# SPDX-License-Identifier: Apache-2.0
"""A synthetic head: Gaussians made by a seeded script, and the rig that moves them."""
