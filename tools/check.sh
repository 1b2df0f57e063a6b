#!/usr/bin/env bash
# ./dev check: everything that can be judged without running the tests. --fix-format only formats.
#
# C++ is formatted by clang-format 14, Debian 12's. Other versions format differently, so where
# another is installed the pinned one is fetched into build/tools.
set -euo pipefail
cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/.."
readonly clang_format_major=14 clang_format_wheel=clang-format==14.0.6
venv=build/tools/venv
failed=()

title() { printf '== %s\n' "$*"; }
try() {
  local name=$1
  shift
  title "$name"
  "$@" || failed+=("$name")
}

ensure_venv() {
  [ -x "$venv/bin/python" ] || python3 -m venv "$venv"
  # A console script names its interpreter by path, which breaks when the tree moves.
  "$venv/bin/python" -m pip install -q --no-cache-dir --disable-pip-version-check "$@" ||
    { echo "check: pip cannot install $*; is the package index reachable?" >&2; return 1; }
}

clang_format_path() {
  local major
  major=$(clang-format --version 2>/dev/null | sed -n 's/.*version \([0-9]*\).*/\1/p')
  if [ "$major" = "$clang_format_major" ]; then
    command -v clang-format
    return
  fi
  [ -x "$venv/bin/clang-format" ] || ensure_venv "$clang_format_wheel" >&2 || return 1
  echo "$venv/bin/clang-format"
}

sources() { git ls-files -co --exclude-standard -- "$@" ':!third_party'; }

existing() { while IFS= read -r file; do [ ! -f "$file" ] || printf '%s\0' "$file"; done; }

check_format() {
  local program status=0
  program=$(clang_format_path) || return 1
  sources '*.h' '*.cc' | existing | xargs -0 -r "$program" --dry-run -Werror >build/format.log 2>&1 || {
    status=1
    sed -n 's/^\([^: ]*\):[0-9]*:[0-9]*: error:.*/\1: is formatted differently; .\/dev fmt/p' build/format.log | sort -u
  }
  if command -v rustfmt >/dev/null; then
    sources '*.rs' | existing | xargs -0 -r rustfmt --check --edition 2021 || status=1
  elif [ -n "$(sources '*.rs')" ]; then
    echo "rustfmt is not installed (Debian ships it apart from rustc): Rust formatting not checked"
  fi
  return "$status"
}

fix_format() {
  local program
  program=$(clang_format_path)
  sources '*.h' '*.cc' | existing | xargs -0 -r "$program" -i
  if command -v rustfmt >/dev/null; then
    sources '*.rs' | existing | xargs -0 -r rustfmt --edition 2021
  fi
}

# Generated headers must be there before clang-tidy can read what includes them.
check_tidy() {
  [ -f build/dev/build.ninja ] || cmake --preset dev >/dev/null || return 1
  local targets=(limbeck_proto base_config_test_proto)
  cmake --build build/dev "-j${LIMBECK_JOBS:-$(nproc)}" --target "${targets[@]}" >build/dev/check.log ||
    { cat build/dev/check.log; return 1; }
  python3 tools/check_tidy.py build/dev
}

check_protos() {
  [ -x "$venv/bin/buf" ] || ensure_venv -r tools/requirements.txt || return 1
  "$venv/bin/buf" lint
}

check_compose() {
  if ! command -v docker-compose >/dev/null; then
    echo "docker-compose is not installed; run ./dev setup"
    return 1
  fi
  docker-compose -f docker-compose.yml config -q
}

mkdir -p build
if [ "${1:-}" = --fix-format ]; then
  fix_format
  exit
fi
[ $# -eq 0 ] || { echo "usage: ./dev check" >&2; exit 2; }

for script in includes words sizes; do
  try "$script: self-test" python3 "tools/check_$script.py" --self-test
  try "$script" python3 "tools/check_$script.py" .
done
try "format" check_format
try "protos" check_protos
[ ! -f docker-compose.yml ] || try "compose" check_compose
try "lint" check_tidy

if [ ${#failed[@]} -gt 0 ]; then
  printf 'check: FAILED:'
  printf ' [%s]' "${failed[@]}"
  echo
  exit 1
fi
echo "check: all passed"
