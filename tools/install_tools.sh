#!/bin/bash
# Installs the Debian packages that the tests of android_demo/, web_demo/ and the BUILD files use;
# `--slow` also what their slow tests use: Bazel and an emulator of phones' processors.
set -euo pipefail

packages=(
  default-jdk-headless  # javac, java
  junit4                # JUnit, Hamcrest
  libjna-java           # calls LiteRT from Java
  libandroid-json-java  # org.json, which Android has built in
  aapt                  # aapt2: links an app's resources
  android-framework-res # the resources of Android itself
  chromium              # runs the web page
  chromium-driver       # ... for tests
)
command -v node > /dev/null && command -v npm > /dev/null || packages+=(nodejs npm)
if [ "${1:-}" = --slow ]; then
  packages+=(bazel-bootstrap qemu-user)
elif [ $# -gt 0 ]; then
  echo "usage: $0 [--slow]" >&2
  exit 1
fi

missing=()
for package in "${packages[@]}"; do
  dpkg-query -W -f='${Status}' "$package" 2> /dev/null | grep -q '^install ok' || missing+=("$package")
done
if [ ${#missing[@]} = 0 ]; then exit 0; fi
as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo -E "$@"; fi; }
export DEBIAN_FRONTEND=noninteractive
as_root apt-get update -qq
as_root apt-get install -y -qq --no-install-recommends "${missing[@]}" > /dev/null
