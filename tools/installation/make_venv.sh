#!/bin/sh
# Makes a virtual environment, or brings one up to date:
#
#   tools/installation/make_venv.sh FOLDER "3.11 3.12" requirements.txt ...
#
# The second argument lists the versions of Python that will do, the preferred one first; they are
# looked for on PATH and among pyenv's. PYTHON=path in the environment names the interpreter.
# COMPILER=yes says that some packages come without wheels and are compiled: what that takes is
# installed where this user may.
# The folder that holds FOLDER is on the environment's path, wherever both are moved together.
# Where an earlier run was interrupted, starts over.
set -eu
folder=$1
versions=$2
shift 2
. "$(dirname "$0")/packages.sh"

fail() {
  echo "$folder: $*" >&2
  exit 1
}

without_venv=
suits() { # whether $1 runs, is one of $versions, and can make environments
  version=$("$1" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null) || return 1
  case " $versions " in *" $version "*) ;; *) return 1 ;; esac
  "$1" -c 'import ensurepip, venv' 2>/dev/null || { without_venv=$version && return 1; }
}

look_for_python() {
  for version_wanted in $versions; do
    for python in "python$version_wanted" \
      "${PYENV_ROOT:-${HOME:-/}/.pyenv}/versions/$version_wanted".*/bin/python; do
      if suits "$python"; then return; fi
    done
  done
  for python in python3 python; do
    if suits "$python"; then return; fi
  done
  return 1
}

find_python() {
  if [ -n "${PYTHON:-}" ]; then
    suits "$PYTHON" || fail "PYTHON=$PYTHON will not do: needs Python $versions with venv"
    python=$PYTHON
    return
  fi
  if look_for_python; then return; fi
  [ -n "$without_venv" ] ||
    fail "no Python $(echo "$versions" | sed 's/ / or /g') here: install one, or name it, PYTHON=/path/to/python"
  package=python$without_venv-venv
  install_packages "$package" || fail "install venv for Python: apt-get install $package ($obstacle)"
  look_for_python || fail "$package is installed, and Python still cannot make environments"
}

not_compiling() { # the packages that compiling for the environment's Python lacks
  command -v cc > /dev/null || echo build-essential
  "$folder/bin/python" -c 'import pathlib, sys, sysconfig
if not pathlib.Path(sysconfig.get_path("include"), "Python.h").exists():
  print("python%d.%d-dev" % sys.version_info[:2])'
}

unfinished=$folder/.unfinished
if [ -e "$unfinished" ]; then
  echo "$folder: an earlier installation was interrupted, starting over"
  rm -rf "$folder"
fi
if ! [ -x "$folder/bin/python" ]; then
  find_python
  rm -rf "$folder"
  mkdir -p "$folder"
  touch "$unfinished"
  "$python" -m venv "$folder" || fail "$python cannot make a virtual environment"
fi
touch "$unfinished"
for packages in "$folder"/lib/python3*/site-packages; do
  # A relative line is taken from this folder on, so that a moved checkout finds itself.
  echo ../../../.. > "$packages/checkout.pth"
done
if [ -n "${COMPILER:-}" ]; then
  lacking=$(echo $(not_compiling))
  # shellcheck disable=SC2086 # several words are meant
  [ -z "$lacking" ] || install_packages $lacking ||
    fail "some packages are compiled here: apt-get install $lacking ($obstacle)"
fi
options=
for file in "$@"; do options="$options -r $file"; done
echo "$folder: installing $* (once)"
# shellcheck disable=SC2086 # several words are meant
"$folder/bin/python" -m pip install --disable-pip-version-check --quiet --retries 2 $options || fail \
  "packages could not be installed, see above: is there a network?"
rm "$unfinished"
