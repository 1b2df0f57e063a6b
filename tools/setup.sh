#!/usr/bin/env bash
# ./dev setup [--yes]: installs the Debian packages that building Limbeck needs. Only the apt step
# runs as root. Quick and silent about it when everything is there.
set -euo pipefail
cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/.."
least_cargo=1.85

yes=no
for argument in "$@"; do
  case $argument in
    --yes | -y) yes=yes ;;
    *) echo "usage: ./dev setup [--yes]" >&2; exit 2 ;;
  esac
done

cargo_is_new_enough() {
  local version
  version=$(cargo --version 2>/dev/null | cut -d' ' -f2) || return 1
  [ -n "$version" ] && printf '%s\n%s\n' "$least_cargo" "$version" | sort -V -C
}

id="" version=""
if [ -r /etc/os-release ]; then
  id=$(. /etc/os-release && echo "${ID:-}")
  version=$(. /etc/os-release && echo "${VERSION_ID:-}")
fi
case $id-$version in
  debian-12) rust_packages="cargo-web rustc-web" ;;
  debian-13) rust_packages="cargo rustc" ;;
  *)
    echo "setup: this is ${id:-an unknown system} ${version}; Limbeck is built and tested on Debian 12 and 13." >&2
    echo "setup: the packages that it needs are listed in tools/packages-debian13.txt, and cargo ≥ $least_cargo." >&2
    exit 1
    ;;
esac

mapfile -t wanted < <(sed 's/#.*//; /^[[:space:]]*$/d' "tools/packages-debian$version.txt")
if ! cargo_is_new_enough; then
  read -r -a rust <<<"$rust_packages"
  wanted+=("${rust[@]}")
fi
mapfile -t missing < <(comm -23 <(printf '%s\n' "${wanted[@]}" | sort -u) \
  <(dpkg-query -W -f '${db:Status-Abbrev}${Package}\n' | sed -n 's/^ii //p' | sort -u))
if [ ${#missing[@]} -eq 0 ] || [ -z "${missing[0]}" ]; then
  echo "setup: everything is installed."
  exit 0
fi

echo "setup: ${#missing[@]} Debian packages are missing: compilers, libraries and tools that Limbeck is"
echo "setup: built and checked with. They come from the system's own package sources:"
printf '%s\n' "${missing[*]}" | fold -s -w 96 | sed 's/^/setup:   /'
as_root=()
if [ "$(id -u)" -ne 0 ]; then
  command -v sudo >/dev/null || { echo "setup: needs root, and there is no sudo; run it as root." >&2; exit 1; }
  as_root=(sudo)
fi
echo "setup: will run: ${as_root[*]:+sudo }apt-get update && apt-get install --no-install-recommends (the list)"
if [ "$yes" = no ] && ! { [ ! -t 0 ] && [ "${CI:-}" = true ]; }; then
  [ -t 0 ] || { echo "setup: nobody to ask; run ./dev setup --yes first." >&2; exit 1; }
  read -r -p "setup: go on? [y/N] " answer
  case $answer in y | Y | yes) ;; *) echo "setup: nothing was changed."; exit 1 ;; esac
fi
apt() { "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get "$@"; }
apt update -q || { echo "setup: the package sources cannot be reached; see the lines above." >&2; exit 1; }
# Tests start PostgreSQL servers of their own; the package would leave one running on port 5432.
if [[ " ${missing[*]} " == *" postgresql-"* && ! -e /etc/postgresql-common/createcluster.conf ]]; then
  echo "setup: PostgreSQL is installed without a database of the machine's own; for one, run pg_createcluster."
  "${as_root[@]}" install -d /etc/postgresql-common/createcluster.d
  echo "create_main_cluster = false" |
    "${as_root[@]}" tee /etc/postgresql-common/createcluster.d/limbeck.conf >/dev/null
fi
apt install -y -q --no-install-recommends "${missing[@]}" ||
  { echo "setup: apt-get could not install them; see the lines above." >&2; exit 1; }
echo "setup: done."
