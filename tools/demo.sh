#!/usr/bin/env bash
# ./dev demo: a real teacher answers a real job, a student learns from it, a report judges it.
#
#   ./dev demo [--teacher URL --model NAME [--key-env NAME]] [--yes]
#
# Without --teacher the demo's own teacher is downloaded once (491 MB) and run on this machine.
# With it, an OpenAI-compatible server of yours is asked instead: URL ends in /v1, and the key, if
# it wants one, is in the environment variable NAME. By running that you state that students may be
# trained on its output.
#
# Any process may be killed at any time: run ./dev demo again and it goes on from there. Answers
# and jobs live in ./limbeck-data, the rest under .limbeck/.
set -euo pipefail
root=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/.." && pwd)
cd "$root"
state=$root/.limbeck/demo
data=$root/limbeck-data
bin=$root/build/release/bin
model=qwen-0.5b
job_file=$root/examples/definitions/job.yaml
teacher_url="" teacher_model="" key_env="" setup_arguments=() watcher=""

say() { printf '\n== %s\n' "$*"; }
die() { printf 'demo: %s\n' "$*" >&2; exit 1; }
usage() { sed -n '2,13s/^# \{0,1\}//p' "$0"; }

while [ $# -gt 0 ]; do
  case $1 in
    --teacher) teacher_url=${2:?--teacher needs a URL}; shift 2 ;;
    --model) teacher_model=${2:?--model needs a name}; shift 2 ;;
    --key-env) key_env=${2:?--key-env needs a variable}; shift 2 ;;
    --yes) setup_arguments=(--yes); shift ;;
    -h | --help) usage; exit 0 ;;
    *) usage >&2; exit 2 ;;
  esac
done
if [ -n "$teacher_url$teacher_model" ] && { [ -z "$teacher_url" ] || [ -z "$teacher_model" ]; }; then
  echo "demo: --teacher and --model belong together" >&2
  exit 2
fi
mkdir -p "$state"
exec 8>"$state/lock"
flock -n 8 || die "another ./dev demo is running in this folder"

# --- Processes -----------------------------------------------------------------------------------

# When a process started, in a form that no later process of the same id shares.
birth() {
  local line
  read -r line 2>/dev/null <"/proc/$1/stat" || return 1
  line=${line##*) }
  set -- $line
  echo "${20}@$(cat /proc/sys/kernel/random/boot_id)"
}

# start NAME COMMAND…: in the background, ended with this script, noted in $state/NAME.pid.
start() {
  local name=$1
  shift
  setpriv --pdeathsig TERM "$@" >"$state/$name.log" 2>&1 8>&- &
  echo "$! $(birth "$!")" >"$state/$name.pid"
}

pid_of() { cut -d' ' -f1 "$state/$1.pid" 2>/dev/null || true; }

# Whether the noted process lives; its id alone may be another program's by now.
is_ours() {
  local pid born
  read -r pid born 2>/dev/null <"$state/$1.pid" || return 1
  [ -n "$pid" ] && [ -n "$born" ] && [ "$(birth "$pid" || true)" = "$born" ]
}

stop() {
  local name=$1 pid tries
  if is_ours "$name"; then
    pid=$(pid_of "$name")
    kill -TERM "$pid" 2>/dev/null || true
    for tries in $(seq 200); do
      kill -0 "$pid" 2>/dev/null || break
      # A child that has ended but not been waited for still has its id.
      [ "$(cut -d' ' -f3 "/proc/$pid/stat" 2>/dev/null)" != Z ] || break
      sleep 0.1
    done
    kill -KILL "$pid" 2>/dev/null || true
    wait "$pid" 2>/dev/null || true
  fi
  rm -f "$state/$name.pid"
}

finish() {
  local status=$?
  trap - EXIT INT TERM HUP
  [ -z "$watcher" ] || kill "$watcher" 2>/dev/null || true
  stop up
  stop teacher
  stop fetch
  exit "$status"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

for name in up teacher fetch; do
  if is_ours "$name"; then echo "demo: stopping $name of an earlier demo (process $(pid_of "$name"))"; fi
  stop "$name"
done

json() { python3 -c 'import json, sys; value = json.load(sys.stdin)
for key in sys.argv[1].split("."): value = value[key]
print(value)' "$1"; }

# --- Steps ---------------------------------------------------------------------------------------

free_port() {
  python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

port_is_free() {
  python3 -c 'import socket, sys; s = socket.socket()
s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1); s.bind(("127.0.0.1", int(sys.argv[1])))' \
    "$1" 2>/dev/null
}

# The teacher's address is part of what answers are kept under, so it stays the same between runs.
choose_teacher_port() {
  local saved=""
  [ ! -s "$state/teacher.port" ] || saved=$(cat "$state/teacher.port")
  if [ -n "$saved" ] && port_is_free "$saved"; then
    teacher_port=$saved
    return
  fi
  [ -z "$saved" ] || echo "demo: port $saved is taken by now; answers bought under it are not found again"
  teacher_port=$(free_port)
  echo "$teacher_port" >"$state/teacher.port"
}

start_teacher() {
  local tries
  start teacher "$root/tools/teacher.sh" "$model" "$teacher_port" 1
  for tries in $(seq 600); do
    if curl -fsS --max-time 2 "http://127.0.0.1:$teacher_port/health" >/dev/null 2>&1; then return; fi
    is_ours teacher || { tail -5 "$state/teacher.log" >&2; die "the teacher did not start"; }
    sleep 0.2
  done
  die "the teacher was not ready in two minutes; see $state/teacher.log"
}

write_config() {
  if [ -z "$teacher_url" ]; then
    # The committed example with this run's port and free ports for the servers.
    sed "s|http://127.0.0.1:8080/v1|http://127.0.0.1:$teacher_port/v1|" \
      examples/definitions/limbeck.yaml >"$state/limbeck.yaml"
  else
    {
      echo "teachers:"
      echo "  - name: definitions-teacher"
      echo "    kind: openai"
      echo "    base_url: \"$teacher_url\""
      echo "    model: \"$teacher_model\""
      [ -z "$key_env" ] || echo "    key: {env: \"$key_env\"}"
      echo "    # Nominal: write a limbeck.yaml with real prices before you spend real money."
      echo "    input_micro_usd_per_million: 20000"
      echo "    output_micro_usd_per_million: 40000"
      echo "    training_use:"
      echo "      basis: BASIS_WRITTEN_CONSENT"
      echo "      evidence: stated by whoever ran ./dev demo --teacher"
      echo "      reviewed_on: \"$(date -u +%F)\""
      echo "local_trainers: 2"
    } >"$state/limbeck.yaml"
  fi
  cat >>"$state/limbeck.yaml" <<'YAML'
gateway: {address: "127.0.0.1:0"}
cache: {address: "127.0.0.1:0"}
metrics_address: "127.0.0.1:0"
YAML
}

start_limbeck() {
  local tries
  rm -f "$state/ports.json"
  start up "$bin/limbeck" up -c "$state/limbeck.yaml" --data-dir "$data" --port-file "$state/ports.json"
  for tries in $(seq 300); do
    [ ! -s "$state/ports.json" ] || break
    is_ours up || { tail -5 "$state/up.log" >&2; die "limbeck up did not start"; }
    sleep 0.1
  done
  [ -s "$state/ports.json" ] || die "limbeck up was not ready in 30 s; see $state/up.log"
  LIMBECK_SERVER=$(json gateway <"$state/ports.json")
  LIMBECK_CACHE=$(json cache <"$state/ports.json")
  export LIMBECK_SERVER LIMBECK_CACHE
}

# The same content gives the same request id, so that a run after a kill finds its job again; a job
# that has ended is followed by a new one.
create_job() {
  local content number=1 seen reply
  content=$(cat "$job_file" examples/definitions/{train,held_out}.jsonl "$state/limbeck.yaml" | sha256sum | cut -c1-16)
  if read -r seen number 2>/dev/null <"$state/run" && [ "$seen" = "$content" ]; then :; else number=1; fi
  while :; do
    echo "$content $number" >"$state/run"
    reply=$("$bin/limbeck" jobs create -f "$job_file" --yes --json --request-id "demo-$content-$number")
    job=$(json id <<<"$reply")
    case $(json state <<<"$reply") in
      JOB_STATE_SUCCEEDED | JOB_STATE_FAILED | JOB_STATE_CANCELLED) number=$((number + 1)) ;;
      JOB_STATE_PAUSED) "$bin/limbeck" jobs resume "$job" >/dev/null; break ;;
      *) break ;;
    esac
  done
}

# Follows the job; what is needed for it is started again when it dies.
watch_job() {
  setpriv --pdeathsig TERM "$bin/limbeck" jobs watch "$job" 8>&- &
  watcher=$!
  while kill -0 "$watcher" 2>/dev/null; do
    if ! is_ours up; then
      tail -5 "$state/up.log" >&2
      die "limbeck up ended; run ./dev demo again and it goes on"
    fi
    if [ -z "$teacher_url" ] && ! is_ours teacher; then
      echo "demo: the teacher ended; starting it again"
      start_teacher
    fi
    sleep 1
  done
  local status=0
  wait "$watcher" || status=$?
  watcher=""
  return "$status"
}

summary() {
  python3 - "$1" "$2" <<'PY'
import json
import sys

report = json.load(open(sys.argv[1], encoding="utf-8"))
job = json.load(open(sys.argv[2], encoding="utf-8"))

def estimate(value):
    return "%.3f [%.3f, %.3f]" % (value["value"], value["low"], value["high"])

data, student, progress = report["data_facts"], report["student_facts"], job["progress"]
print("verdict    %s: %s" % (report["verdict"].removeprefix("VERDICT_"), report["decision"]["sentence"]))
print("accuracy   student %s, teacher %s" % (estimate(report["student"]["accuracy"]), estimate(report["teacher"]["accuracy"])))
print("agreement  %s on %s held-out rows" % (estimate(report["agreement"]), data["held_out_rows"]))
print("answers    %s bought, %s cached, $%.4f" % (progress["queries_bought"], progress["queries_cached"], int(progress["spent_micro_usd"]) / 1e6))
print("student    %s, %.1f MiB, %d texts/s on one thread" % (student["kind"], int(student["bytes"]) / 2**20, student["texts_per_second"]))
if progress["queries_bought"] == "0":
    print("100 % cache hits: nothing bought")
PY
}

say "setup"
tools/setup.sh "${setup_arguments[@]}"

if [ -z "$teacher_url" ]; then
  say "fetching the teacher (once) while building"
  choose_teacher_port
  start fetch "$root/tools/teacher.sh" --fetch "$model"
  fetcher=$(pid_of fetch)
else
  say "building"
fi
[ -f build/release/build.ninja ] || cmake --preset release >"$state/cmake.log" ||
  { tail -20 "$state/cmake.log" >&2; die "cmake failed"; }
cmake --build build/release "-j${LIMBECK_JOBS:-$(nproc)}" --target limbeck limbeck-trainer

if [ -z "$teacher_url" ]; then
  wait "$fetcher" || { cat "$state/fetch.log" >&2; die "the teacher cannot be had"; }
  rm -f "$state/fetch.pid"
  say "starting the teacher: $model on 127.0.0.1:$teacher_port"
  start_teacher
fi
say "starting limbeck up"
write_config
start_limbeck
say "the job"
create_job
echo "job $job"
watch_job || die "the job could not be followed"
"$bin/limbeck" jobs get "$job" --json >"$state/job.json"
[ "$(json state <"$state/job.json")" = JOB_STATE_SUCCEEDED ] || die "the job did not succeed"

student=$data/students/$job
[ -d "$student" ] || "$bin/limbeck" students export "$job" -o "$student" >/dev/null
"$bin/limbeck" jobs report "$job" --json >"$state/report.json"
say "report: $student/report.html (and report.json)"
summary "$state/report.json" "$state/job.json"
say "what the student says"
"$bin/limbeck" students predict "$student" \
  "a small wild cat of the mountains of Siberia and Tibet" \
  "a flat bread baked with olives and rosemary" \
  "a port city in the north of Italy"
