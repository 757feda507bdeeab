# SPDX-License-Identifier: Apache-2.0
# make demo   render the synthetic head speaking a sentence into out/demo.mp4
# make test   everything: C++, C and Python tests
# make lint   clang-format, clang-tidy, ruff, mypy --strict
# make bench  frames per second, latency and memory of the demo plan
# make gate   counters that are the same in every run, against those of the last commit that set them
# make fuzz   ten minutes of fuzzing the plan reader (needs clang)
#
# Each target sets up what it needs: Debian packages when root or sudo allows it, a virtual environment in
# .venv, the build under build/. The first run takes minutes, later ones seconds.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := demo
.DELETE_ON_ERROR:
.PHONY: demo test lint bench gate fuzz clean test-cpp test-tsan test-python

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
STAMPS := build/stamps
JOBS ?= $(shell nproc)
WERROR ?= OFF

# One build folder for the package, the tests and clang-tidy. These are scikit-build-core's own settings.
NATIVE_BUILD := $(CURDIR)/build/native
export SKBUILD_BUILD_DIR := $(NATIVE_BUILD)
export SKBUILD_CMAKE_DEFINE := TALKRT_BUILD_TESTS=ON;TALKRT_BUILD_EXAMPLES=ON;TALKRT_CUDA=AUTO;CMAKE_CUDA_ARCHITECTURES=90;TALKRT_WERROR=$(WERROR)

PLAN := examples/data/demo.plan
SPEECH := examples/data/hello.flac

NATIVE := $(shell find engine kernels cmake -name '*.cpp' -o -name '*.hpp' -o -name '*.h' -o -name '*.cu' \
            -o -name 'CMakeLists.txt' -o -name '*.cmake') CMakeLists.txt
TESTS_NATIVE := $(shell find tests examples -name '*.cpp' -o -name '*.hpp' -o -name '*.c' -o -name 'CMakeLists.txt')
ORT = $(shell ls $(CURDIR)/$(VENV)/lib/python3*/site-packages/onnxruntime/capi/libonnxruntime.so.* 2>/dev/null | head -1)

say = @printf '\033[1m== %s\033[0m\n' $(1)

# ---- set-up ------------------------------------------------------------------------------------------

$(STAMPS)/system:
	$(call say,"system packages")
	@cmake/system-packages.sh
	@mkdir -p $(@D) && touch $@

$(STAMPS)/venv: pyproject.toml constraints.txt | $(STAMPS)/system
	$(call say,"virtual environment $(VENV)")
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "talkrt needs Python 3.11 or newer; set PYTHON=")'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(PIP) install -c constraints.txt "scikit-build-core>=1.0" "nanobind>=2" "ninja" "cmake>=3.22"
	@mkdir -p $(@D) && touch $@

# The package, editable: Python changes show at once, a changed C++ source rebuilds here.
$(STAMPS)/package: $(STAMPS)/venv $(NATIVE)
	$(call say,"talkrt (C++ build under build/native)")
	@PATH="$(CURDIR)/$(BIN):$$PATH" CMAKE_BUILD_PARALLEL_LEVEL=$(JOBS) $(PIP) install -c constraints.txt \
	  --no-build-isolation -e .
	@touch $@

$(STAMPS)/dev: $(STAMPS)/package
	$(call say,"test and lint tools; torch and onnx for the export tests")
	@$(PIP) install -c constraints.txt --no-build-isolation -e '.[export,dev]'
	@touch $@

# ---- what people do ------------------------------------------------------------------------------------

demo: $(STAMPS)/package
	$(call say,"render out/demo.mp4")
	@mkdir -p out
	@$(BIN)/talkrt render $(PLAN) $(SPEECH) -o out/demo.mp4 --strip out/demo_strip.png
	@echo "Open out/demo.mp4; out/demo_strip.png shows frames of it side by side."

bench: $(STAMPS)/package
	@$(BIN)/bench --engine $(PLAN)

# Allocations, bytes, instructions and pictures: no clock is asked. Without valgrind (exit code 5) the last two
# are not counted. After a change that is meant: make gate SAVE=1, and commit the file.
COUNTERS := benchmarks/results/counters-tiny.json
gate: $(STAMPS)/package
	$(call say,"deterministic counters")
	@$(BIN)/bench counters --engine tests/data/tiny.plan \
	  $(if $(SAVE),--save $(COUNTERS),--baseline $(COUNTERS)) || test $$? = 5

test: test-cpp test-tsan test-python

test-cpp: $(STAMPS)/dev
	$(call say,"C++ and C tests")
	@PATH="$(CURDIR)/$(BIN):$$PATH" cmake --build $(NATIVE_BUILD) -j $(JOBS) -- --quiet
	@TALKRT_ONNXRUNTIME=$(ORT) $(BIN)/ctest --test-dir $(NATIVE_BUILD) -j $(JOBS) --output-on-failure --progress

# Threads are the one thing that the plain build cannot show to be right.
test-tsan: $(STAMPS)/dev
	$(call say,"session and thread-pool tests under the thread sanitizer")
	@PATH="$(CURDIR)/$(BIN):$$PATH" cmake --preset tsan -DTALKRT_BUILD_EXAMPLES=OFF >build/cmake-tsan.log \
	  || { cat build/cmake-tsan.log; exit 1; }
	@PATH="$(CURDIR)/$(BIN):$$PATH" cmake --build build/tsan -j $(JOBS) --target talkrt_thread_tests -- --quiet
	@TALKRT_ONNXRUNTIME=$(ORT) $(BIN)/ctest --test-dir build/tsan -L threads -j $(JOBS) --output-on-failure

test-python: $(STAMPS)/dev test-cpp
	$(call say,"Python tests")
	@$(BIN)/python -m pytest -n $(JOBS) --dist loadfile

# The analyzer follows calls less far than it can, in a third of the time; `make lint ANALYZER=` is the whole of it.
ANALYZER = --extra-arg=-Xclang --extra-arg=-analyzer-config --extra-arg=-Xclang --extra-arg=mode=shallow

# Without precompiled headers, so that a file that does not include what it uses shows.
lint: $(STAMPS)/dev
	$(call say,"clang-format")
	@git ls-files '*.cpp' '*.hpp' '*.c' '*.h' '*.cu' | xargs $(BIN)/clang-format --dry-run -Werror
	$(call say,"clang-tidy")
	@mkdir -p build/lint
	@sed -E 's/-Winvalid-pch -include [^ ]*cmake_pch.hxx//' $(NATIVE_BUILD)/compile_commands.json >build/lint/compile_commands.json
	@git ls-files 'engine/**/*.cpp' 'kernels/**/*.cpp' | grep -v -e bindings/ -e engine/tensorrt/ \
	  | xargs -P $(JOBS) -n 4 $(BIN)/clang-tidy -p build/lint --quiet --warnings-as-errors='*' $(ANALYZER) 2>build/lint/clang-tidy.log \
	  || { grep -v 'warnings generated' build/lint/clang-tidy.log; exit 1; }
	$(call say,"ruff")
	@$(BIN)/ruff check && $(BIN)/ruff format --check
	$(call say,"mypy --strict")
	@$(BIN)/mypy

fuzz:
	@tests/fuzz/run.sh

clean:
	rm -rf build out $(VENV)
