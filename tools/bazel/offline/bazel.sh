#!/bin/bash
# Debian's Bazel 4 without a network: native Python rules, and packages from this environment.
#
#   tools/bazel/offline/bazel.sh test //...
#
# PYTHON picks the interpreter that has the packages of requirements.txt (.venv/bin/python).
set -euo pipefail
cd "$(dirname "$0")/../../.."
offline=$PWD/tools/bazel/offline
repositories=()
for repository in rules_python pypi rules_cc rules_java remote_coverage_tools; do
  repositories+=(--override_repository="$repository=$offline/$repository")
done
python=$(realpath --no-symlinks "${PYTHON:-.venv/bin/python}")
command=$1
shift
exec bazel --output_user_root="${BAZEL_OUTPUT:-$HOME/.cache/soundstream-bazel}" --batch \
  "$command" --symlink_prefix=/ \
  "${repositories[@]}" \
  --test_env=PATH="$(dirname "$python"):$PATH" --test_env=HOME --test_env=CI \
  --action_env=PATH="$(dirname "$python"):$PATH" \
  "$@"
