#!/bin/sh
# Installs what tests use beyond Python's packages, by the names in tools.txt, from Debian:
#
#   tools/installation/install_tools.sh java app
#
# Where that cannot be done, says so in a line and succeeds: the tests leave themselves out and say
# why. With CI=true it fails instead.
set -eu
here=$(dirname "$0")
. "$here/packages.sh"

there() { # whether a program is on PATH, or a file exists
  case $1 in
  /*) [ -e "$1" ] ;;
  *) command -v "$1" > /dev/null ;;
  esac
}

# read_table NEED: adds to $missing the packages that it lacks.
read_table() {
  known=
  while read -r need shown package; do
    [ "$need" = "$1" ] || continue
    known=yes
    there "$shown" || case " $missing " in *" $package "*) ;; *) missing="$missing $package" ;; esac
  done < "$here/tools.txt"
  [ -n "$known" ] || {
    echo "usage: $0 NEED ..., of those in $here/tools.txt; got $1" >&2
    exit 2
  }
}

missing=
for name in "$@"; do read_table "$name"; done
[ -n "$missing" ] || exit 0
# shellcheck disable=SC2086 # several words are meant
if install_packages $missing; then exit 0; fi
echo "not installed:$missing ($obstacle). The tests that use them are left out." >&2
[ "${CI:-}" != true ]
