#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# aarch64_compiles.sh ROOT: whether the rasterizer's stages compile for 64-bit ARM, warnings being errors. Takes
# a cross compiler where there is one, else clang with this machine's headers, which are the same C++ library.
# Exits with 77, "skipped", where there is neither.
set -eu
root=$1
flags="-std=c++20 -O2 -Wall -Wextra -Werror -ffp-contract=off -fno-math-errno -fno-trapping-math"
flags="$flags -DTALKRT_CPU_PATH=baseline -DTALKRT_CPU_PATH_NAME=\"baseline\" -I$root"
if command -v aarch64-linux-gnu-g++ >/dev/null; then
  compiler="aarch64-linux-gnu-g++"
else
  clang=$(command -v clang++ || command -v clang++-14 || true)
  if [ -z "$clang" ]; then
    echo "skipped: neither aarch64-linux-gnu-g++ nor clang++ is here"
    exit 77
  fi
  headers=$(echo | "$clang" -x c++ -E -v - 2>&1 | sed -n '/search starts here/,/End of search/p' |
    sed -n 's/^ \(\/usr\/.*\)/-isystem \1/p' | grep -v clang)
  # glibc's headers ask for the variant of their own machine; an empty one stands for ARM's.
  variant=$(mktemp -d)
  trap 'rm -rf "$variant"' EXIT
  mkdir "$variant/gnu"
  : >"$variant/gnu/stubs-32.h"
  headers="-isystem $variant $headers"
  compiler="$clang --target=aarch64-linux-gnu $headers"
fi
for source in "$root"/kernels/gaussian/*_cpu.cpp "$root"/kernels/gaussian/cpu_path_table.cpp; do
  # A shell word each, as meant.
  # shellcheck disable=SC2086
  $compiler $flags -c "$source" -o /dev/null
  echo "$(basename "$source") compiles"
done
