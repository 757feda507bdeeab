#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Everything that only an NVIDIA GPU can show, in one run of at most 9 minutes, without a network: builds, runs
# the GPU tests, compute-sanitizer, the kernel and end-to-end benchmarks and other renderers on the same scenes.
#   benchmarks/gpu_check.sh OUT [--seconds 520]
# leaves OUT/gpu_check.json, gpu_check.md and gpu_check.log. What it needs besides this checkout: README.md here.
# Exit code: 0 every step that could run passed, 1 one failed, 2 usage, 4 there is no GPU.
set -eu
[ $# -ge 1 ] || { echo "usage: gpu_check.sh OUT [--seconds S]" >&2; exit 2; }
python=${PYTHON:-python3}
root=$(cd "$(dirname "$0")/.." && pwd)
carried=$root/build/carried packages=$root/build/gpu_check_packages

# Beside the machine's own packages, and not into them.
if ls "$carried"/wheels/*.whl >/dev/null 2>&1; then
  "$python" -m pip install --quiet --disable-pip-version-check --no-index --no-deps --no-compile --upgrade \
    --target "$packages" "$carried"/wheels/*.whl
fi
# Where the build looks for headers that no package of the system brought.
if [ -d "$carried/debian" ]; then
  mkdir -p "$root/build/gpu_check/debian"
  cp -R "$carried/debian/." "$root/build/gpu_check/debian/"
fi
# From the checkout, so that it can tell of a build that failed.
PYTHONPATH=$root:$packages${PYTHONPATH:+:$PYTHONPATH} exec "$python" -P -m benchmarks.gpu_check "$@"
