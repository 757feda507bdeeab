# SPDX-License-Identifier: Apache-2.0
"""Any Gaussian scene to a plan: standard and packed .ply, .splat and .spz, by NumPy alone.

The readers are ours because no library fits: plyfile is GPL, gsply brings Numba and LLVM, the
Python module of gsplat writes these formats and does not read them, splat-transform is a program
for Node.js, and Niantic's spz is built from source. Each format is a page; nothing was copied.
"""
