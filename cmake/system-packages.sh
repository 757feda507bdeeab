#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Installs the Debian packages that make the build quicker, when this user may. Without them the build
# unpacks the same packages under build/, so nothing here is required but a compiler, make and Python.
set -eu
wanted="g++ python3-venv nlohmann-json3-dev libgtest-dev"

command -v c++ >/dev/null || command -v g++ >/dev/null || need_compiler=1
if ! command -v dpkg-query >/dev/null; then
  [ -z "${need_compiler:-}" ] || { echo "No C++ compiler found: install g++ 11 or clang 14 (or newer)."; exit 1; }
  echo "not a Debian system: using what is installed"
  exit 0
fi

missing=
for package in $wanted; do
  dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'install ok installed' || missing="$missing $package"
done
[ -n "$missing" ] || { echo "all there"; exit 0; }

if [ "$(id -u)" = 0 ]; then as_root=
elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then as_root=sudo
else
  echo "not installing:$missing (neither root nor sudo without a password)"
  [ -z "${need_compiler:-}" ] || { echo "No C++ compiler found: install g++."; exit 1; }
  exit 0
fi
echo "installing:$missing"
$as_root apt-get update -qq
DEBIAN_FRONTEND=noninteractive $as_root apt-get install -y -qq --no-install-recommends $missing >/dev/null || {
  [ -z "${need_compiler:-}" ] || { echo "No C++ compiler, and apt-get could not install g++."; exit 1; }
  echo "apt-get failed; the build will unpack what it needs under build/"
}
