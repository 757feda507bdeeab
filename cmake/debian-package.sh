#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Unpacks a Debian package below a folder without installing it and without being root. Takes it from the
# running Debian, else from trixie (a private apt state; nothing of the system is touched).
#   debian-package.sh PACKAGE ROOT
set -eu
package=$1 root=$2
command -v apt-get >/dev/null && command -v dpkg >/dev/null || { echo "no apt-get on this system"; exit 1; }
work=$root.work
rm -rf "$work"
mkdir -p "$work/lists/partial" "$work/cache/archives/partial"
trap 'rm -rf "$work"' EXIT

fetch() { (cd "$work" && apt-get "$@" download "$package" >&2); }

if ! fetch 2>/dev/null; then
  sources=/etc/apt/sources.list.d/debian.sources
  if [ -f "$sources" ]; then
    awk 'BEGIN{RS=""} NR==1' "$sources" |
      sed 's/^Suites:.*/Suites: trixie/; s/^Types:.*/Types: deb/' >"$work/trixie.sources"
  elif [ -f /etc/apt/sources.list ]; then
    awk '$1 == "deb" { print "deb", $2, "trixie main"; exit }' /etc/apt/sources.list >"$work/trixie.list"
  else
    echo "no apt sources found"; exit 1
  fi
  set -- -o Dir::Etc::sourcelist="$(ls "$work"/trixie.*)" -o Dir::Etc::sourceparts=/dev/null \
    -o Dir::State::lists="$work/lists" -o Dir::Cache="$work/cache"
  apt-get "$@" update >&2
  fetch "$@"
fi
mkdir -p "$root.part"
dpkg -x "$work/$package"_*.deb "$root.part"
mv "$root.part" "$root"
