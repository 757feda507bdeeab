#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Gathers below build/carried what gpu_check.sh needs on a machine without a network:
#   benchmarks/gpu_carry.sh [PYTHON]    PYTHON: that machine's, 3.12 by default
set -eu
version=${1:-3.12}
root=$(cd "$(dirname "$0")/.." && pwd)
out=$root/build/carried
mkdir -p "$out/wheels" "$out/debian"
python3 -m pip download --quiet --disable-pip-version-check --no-deps --only-binary=:all: --implementation cp \
  --python-version "$version" --platform manylinux_2_28_x86_64 --platform manylinux_2_17_x86_64 \
  --platform manylinux2014_x86_64 -d "$out/wheels" gsplat
for package in libonnxruntime-dev nlohmann-json3-dev googletest; do
  [ -d "$out/debian/$package/usr" ] || "$root/cmake/debian-package.sh" "$package" "$out/debian/$package"
done
du -sh "$out"
