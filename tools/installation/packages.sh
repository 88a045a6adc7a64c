# Installs packages of Debian, for the scripts beside this file, which source it.

# install_packages PACKAGE...: as root, or by sudo where that asks for no password. Where it cannot
# be done, returns 1 and leaves the reason in $obstacle.
install_packages() {
  as_root=
  if ! command -v apt-get > /dev/null; then
    obstacle="there is no apt-get here"
    return 1
  elif [ "$(id -u)" != 0 ]; then
    as_root="sudo -n"
    $as_root true 2> /dev/null || {
      obstacle="that takes root, or sudo without a password"
      return 1
    }
  fi
  echo "installing packages of Debian: $*"
  as_root="$as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300"
  $as_root update > /dev/null && $as_root install -y --no-install-recommends "$@" > /dev/null || {
    obstacle="apt-get failed, see above"
    return 1
  }
}
