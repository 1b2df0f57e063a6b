#!/usr/bin/env python3
"""Runs clang-tidy over the C++ sources that a change touches, and says which.

    check_tidy.py BUILD_DIR [--all] [--seconds 240]

The change is what differs from origin/main; where that is nothing (on main itself), the last
commit. A changed header brings in the source beside it. What the time limit leaves out is named.

Debian 12's clang 14 cannot parse LibTorch 1.13's headers as C++20 but can as C++17, so files that
include them are linted as C++17 there; one that then does not parse is named, not judged.
"""
import argparse
import concurrent.futures
import json
import os
import re
import subprocess
import sys
import time

TORCH = re.compile(r'#include [<"](torch|ATen|c10)/|trainer/.*\.h"')
TOP = ("base", "cache", "gateway", "trainer", "cli", "tests")
ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), ".."))


def git(*arguments):
    done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True)
    return done.stdout.splitlines() if done.returncode == 0 else []


def changed_files():
    base = "origin/main" if git("rev-parse", "--verify", "-q", "origin/main") else "main"
    merge_base = (git("merge-base", base, "HEAD") or [""])[0]
    files = git("diff", "--name-only", "--diff-filter=AMR", merge_base) if merge_base else []
    files += git("ls-files", "-o", "--exclude-standard")
    where = f"since {base}"
    if not files:
        files = git("diff", "--name-only", "--diff-filter=AMR", "HEAD~1") or git("ls-files")
        where = "in the last commit"
    return sorted(set(files)), where


def to_lint(files, known):
    wanted = set()
    for path in files:
        stem, extension = os.path.splitext(path)
        if path.split("/")[0] not in TOP:
            continue
        if extension == ".cc":
            wanted.add(path)
        elif extension == ".h":
            beside = (stem + ".cc", stem + "_test.cc")
            wanted.update(path for path in beside if os.path.exists(os.path.join(ROOT, path)))
    return sorted(wanted & known), sorted(wanted - known)


def write_database(build_dir):
    """A compilation database with a command for each source, those of unity builds included.

    Returns its folder and the sources that it knows.
    """
    with open(os.path.join(build_dir, "compile_commands.json"), encoding="utf-8") as file:
        entries = json.load(file)
    for entry in list(entries):
        if "/Unity/unity_" not in entry["file"]:
            continue
        with open(entry["file"], encoding="utf-8") as unity:
            for source in re.findall(r'#include "(.*)"', unity.read()):
                entries.append({**entry, "file": source,
                                "command": entry["command"].replace(entry["file"], source)})
    folder = os.path.join(build_dir, "lint")
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, "compile_commands.json"), "w", encoding="utf-8") as file:
        json.dump(entries, file)
    known = {os.path.relpath(os.path.join(entry["directory"], entry["file"]), ROOT)
             for entry in entries}
    return folder, {path for path in known if path.split("/")[0] in TOP}


def lint(path, database, clang_major):
    command = ["clang-tidy", "-p", database, "--quiet", path]
    with open(os.path.join(ROOT, path), encoding="utf-8") as source:
        as_cxx17 = clang_major < 15 and path.startswith("trainer/") and TORCH.search(source.read())
    if as_cxx17:
        command.insert(1, "--extra-arg=-std=c++17")
    # Warnings of the other compiler are not clang's business.
    command.insert(1, "--extra-arg=-Wno-unknown-warning-option")
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    output = (done.stdout + done.stderr).strip()
    if done.returncode == 0:
        return "ok", ""
    if as_cxx17 and "[clang-diagnostic-error]" in output:
        return "unparsed", ""
    return "bad", output


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("build_dir")
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--seconds", type=float, default=240)
    options = parser.parse_args()
    database, known = write_database(options.build_dir)
    version = subprocess.run(["clang-tidy", "--version"], capture_output=True, text=True,
                             check=True).stdout
    clang_major = int(re.search(r"version (\d+)", version).group(1))
    files, where = (sorted(known), "in the tree") if options.all else changed_files()
    files, unknown = to_lint(files, known)
    print(f"clang-tidy {clang_major}: {len(files)} sources changed {where}")
    for path in unknown:
        print(f"  {path}: in no target of this build, not linted")
    deadline = time.monotonic() + options.seconds
    results = {}

    def work(path):
        if time.monotonic() > deadline:
            return path, ("late", "")
        return path, lint(path, database, clang_major)

    jobs = int(os.environ.get("LIMBECK_JOBS", 0)) or os.cpu_count()
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        for path, result in pool.map(work, files):
            results[path] = result
            words = {"ok": "ok", "bad": "FAULTS", "late": "time is up, not linted",
                     "unparsed": f"clang {clang_major} cannot parse it as C++17, not linted"}
            print(f"  {path}: {words[result[0]]}", flush=True)
            if result[1]:
                print(result[1])
    return 1 if any(kind == "bad" for kind, _ in results.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
