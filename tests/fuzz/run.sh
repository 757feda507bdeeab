#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Builds the fuzz target with clang and runs it: tests/fuzz/run.sh [seconds, default 600].
set -eu
cd "$(dirname "$0")/../.."
seconds=${1:-600}
compiler=${CXX_FUZZ:-clang++}
if ! command -v "$compiler" >/dev/null; then
  echo "fuzz: $compiler was not found; install clang with libFuzzer (Debian: clang, libclang-rt-14-dev)" >&2
  exit 1
fi
cmake -S . -B build/fuzz -DCMAKE_CXX_COMPILER="$compiler" -DTALKRT_BUILD_FUZZERS=ON \
  -DTALKRT_BUILD_TESTS=OFF -DTALKRT_BUILD_EXAMPLES=OFF
cmake --build build/fuzz --target fuzz_plan
mkdir -p build/fuzz/corpus build/fuzz/findings
# New inputs go to the first folder; the seeds and the hostile files are only read.
exec build/fuzz/tests/fuzz/fuzz_plan build/fuzz/corpus tests/fuzz/corpus tests/data/hostile \
  -dict=tests/fuzz/plan.dict -max_len=32768 -rss_limit_mb=1024 -malloc_limit_mb=256 -timeout=5 \
  -max_total_time="$seconds" -artifact_prefix=build/fuzz/findings/ -print_final_stats=1
