#!/bin/sh
# Makes a virtual environment, or brings one up to date:
#
#   tools/make_venv.sh FOLDER "3.11 3.12" requirements.txt ...
#
# The second argument lists the versions of Python that will do, the preferred one first. PYTHON=path
# in the environment names the interpreter. Where an earlier run was interrupted, starts over.
set -eu
folder=$1
versions=$2
shift 2

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

find_python() {
  if [ -n "${PYTHON:-}" ]; then
    suits "$PYTHON" || fail "PYTHON=$PYTHON will not do: needs Python $versions with venv"
    python=$PYTHON
    return
  fi
  for version_wanted in $versions; do
    python=python$version_wanted
    if suits "$python"; then return; fi
  done
  for python in python3 python; do
    if suits "$python"; then return; fi
  done
  [ -z "$without_venv" ] || fail "install venv for Python: apt-get install python$without_venv-venv"
  fail "no Python $(echo "$versions" | sed 's/ / or /g') here: install one, or name it, PYTHON=/path/to/python"
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
options=
for file in "$@"; do options="$options -r $file"; done
echo "$folder: installing $* (once)"
# shellcheck disable=SC2086 # several words are meant
"$folder/bin/python" -m pip install --disable-pip-version-check --quiet --retries 2 $options || fail \
  "packages could not be installed, see above: is there a network?" \
  "(A package without a wheel needs a compiler: apt-get install build-essential python3-dev)"
rm "$unfinished"
