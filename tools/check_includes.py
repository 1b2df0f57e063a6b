#!/usr/bin/env python3
"""Checks who includes whom: layers point downward, vendor headers stay in their room.

    check_includes.py [ROOT]     every tracked C++ file
    check_includes.py --self-test

The direction is: mains, cli -> services -> domain -> cache/client, cache/records -> base, proto.
"""
import os
import re
import subprocess
import sys

# Layers, lowest first: a file includes its own layer and lower ones. The longest matching folder
# counts, so that a new folder of a process is domain code until it is listed otherwise.
BASE, SHARED, DOMAIN, SERVICE, MAIN, TEST = range(6)
LAYERS = {
    "base": BASE,
    "cache/records": SHARED,
    "cache/client": SHARED,
    # What a stream's frames hold: the service writes it, clients read it.
    "cache/snapshots/item_codec": SHARED,
    "cache": DOMAIN,
    "cache/service": SERVICE,
    "gateway": DOMAIN,
    "gateway/jobs": SERVICE,
    "gateway/coordination": SERVICE,
    "gateway/service": SERVICE,
    "gateway/dashboard": SERVICE,
    "trainer": DOMAIN,
    "trainer/loop": SERVICE,
    "trainer/worker": SERVICE,
    "cli": MAIN,
    "tests": TEST,
}
LAYER_NAMES = ["base", "shared cache code", "domain code", "a service", "a main", "tests"]
# Processes meet over the network: of another one, only these may be included.
SHARED_FOLDERS = ["base", "cache/client", "cache/records"]
# `limbeck up` hosts these in one process; it starts trainers as processes of their own.
HOSTED_BY_CLI = ["cache/service", "gateway/service", "gateway/jobs", "gateway/coordination"]
# Unit tests may run what they test against the real cache and use the shared support code.
TEST_EXTRA = ["tests/support", "cache/service"]

# Vendor header -> folders that may include it. Benchmarks measure against the bare libraries.
VENDORS = [
    (r"rocksdb/", ["base/kv/rocksdb", "tests/bench"]),
    (r"libpq|postgresql/|pqxx/", ["base/kv/postgres"]),
    (r"curl/", ["base/http", "tests/bench"]),
    (r"(torch|ATen|c10|gloo)/", ["trainer", "tests/bench"]),
    (r"(dnnl|oneapi/|cblas)", ["trainer"]),
    (r"prometheus/", ["base/metrics"]),
    (r"yaml-cpp/", ["base/config"]),
    (r"httplib\.h", ["base/metrics", "gateway/dashboard", "tests"]),
    (r"CLI/", ["cli", "trainer/trainer_main"]),
    (r"simdjson", ["base/json", "gateway/teachers", "tests"]),
    (r"(gtest|gmock)/", ["*_test", "*_conformance", "cli/fake_services", "tests"]),
    (r"benchmark/", ["*_benchmark", "tests"]),
]
# gRPC stops at services, clients and codecs; domain code uses plain structs.
GRPC = re.compile(r"(grpc|grpcpp)/|\.grpc\.pb\.h")
NO_GRPC = ["cache/records", "cache/ledger", "cache/snapshots", "gateway/teachers",
           "gateway/templates", "gateway/noise", "gateway/limits", "gateway/probing", "gateway/dispatch",
           "gateway/batches",
           "trainer/text", "trainer/students", "trainer/objectives", "trainer/schedules",
           "trainer/evaluation", "trainer/export"]

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')
SOURCE = re.compile(r"\.(h|hpp|c|cc|cpp|inc)$")
TOP = ("base", "cache", "gateway", "trainer", "cli", "tests")


def within(path, folder):
    return path == folder or path.startswith(folder + "/")


def longest(path, folders):
    found = [folder for folder in folders if within(path, folder)]
    return max(found, key=len) if found else None


def room_matches(path, room):
    stem = SOURCE.sub("", path)
    if room.startswith("*"):
        return room[1:] in os.path.basename(stem)
    return within(path, room) or stem == room


def check_file(path, text):
    """Faults of one file as (line, message)."""
    folder = os.path.dirname(path)
    is_test = "_test" in os.path.basename(path)
    faults = []
    for number, line in enumerate(text.splitlines(), 1):
        match = INCLUDE.match(line)
        if not match:
            continue
        quoted, target = match.group(1) == '"', match.group(2)
        for pattern, rooms in VENDORS:
            if re.match(pattern, target) and not any(room_matches(path, room) for room in rooms):
                faults.append((number, f"{target} may be included under {', '.join(rooms)} only"))
        if GRPC.search(target) and not is_test and longest(folder, NO_GRPC):
            faults.append((number, f"{target}: gRPC stops at services, clients and codecs"))
        if quoted and target.split("/")[0] in TOP:
            fault = check_direction(path, target, is_test)
            if fault:
                faults.append((number, f"{target}: {fault}"))
        elif quoted and "/" not in target and not target.endswith(".pb.h"):
            faults.append((number, f"{target}: write includes from the repository root"))
    return faults


def layer(path):
    """main.cc is the top of its process; the rest goes by folder."""
    return MAIN if path.endswith("main.cc") else LAYERS[longest(SOURCE.sub("", path), LAYERS)]


def check_direction(path, target, is_test):
    """What is wrong with `path` including `target`, if anything."""
    here, there = path.split("/")[0], os.path.dirname(target)
    if here == "tests" or is_test and any(within(there, folder) for folder in TEST_EXTRA):
        return None
    if layer(target) > layer(path):
        return f"{LAYER_NAMES[layer(path)]} may not include {LAYER_NAMES[layer(target)]}"
    if here == target.split("/")[0] or any(within(there, folder) for folder in SHARED_FOLDERS):
        return None
    if here == "cli" and any(within(there, folder) for folder in HOSTED_BY_CLI):
        return None
    return f"{here} may not include another process's code"


def tracked(root):
    listed = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=root, check=True,
                            capture_output=True, text=True).stdout.splitlines()
    return sorted(path for path in listed
                  if SOURCE.search(path) and path.split("/")[0] in TOP
                  and os.path.exists(os.path.join(root, path)))


def self_test():
    def faults(path, *includes):
        return len(check_file(path, "".join(f"#include {name}\n" for name in includes)))

    assert faults("base/clock.cc", '"base/clock.h"', "<vector>") == 0
    assert faults("base/clock.cc", '"cache/records/record.h"') == 1
    assert faults("base/clock.cc", '"clock.h"') == 1
    assert faults("cache/ledger/ledger.cc", '"cache/records/record.h"') == 0
    assert faults("cache/ledger/ledger.cc", '"cache/service/service.h"') == 1
    assert faults("cache/ledger/ledger.cc", "<grpcpp/grpcpp.h>") == 1
    assert faults("cache/service/service.cc", "<grpcpp/grpcpp.h>", '"cache/ledger/ledger.h"') == 0
    assert faults("gateway/jobs/job.cc", '"gateway/dispatch/dispatch.h"') == 0
    assert faults("gateway/dispatch/dispatch.cc", '"gateway/jobs/job.h"') == 1
    assert faults("gateway/jobs/job.cc", '"trainer/loop/loop.h"') == 1
    assert faults("gateway/jobs/job.cc", '"cache/ledger/ledger.h"') == 1
    assert faults("gateway/main.cc", '"gateway/service/gateway_node.h"') == 0
    assert faults("gateway/expansion/expand.cc", '"gateway/templates/template.h"') == 0
    assert faults("trainer/students/a.cc", '"trainer/worker/worker.h"') == 1
    assert faults("cli/up.cc", '"trainer/worker/worker.h"') == 1
    assert faults("gateway/jobs/job_test.cc", '"cache/service/node.h"', "<gtest/gtest.h>") == 0
    assert faults("trainer/loop/loop.cc", '"gateway/jobs/job.h"') == 1
    assert faults("trainer/loop/loop.cc", '"trainer/students/ngram.h"', "<ATen/ATen.h>") == 0
    assert faults("cli/up.cc", '"gateway/jobs/gateway_node.h"', '"cache/service/node.h"',
                  "<CLI/CLI.hpp>") == 0
    assert faults("cli/up.cc", "<torch/torch.h>", "<rocksdb/db.h>", "<curl/curl.h>") == 3
    assert faults("base/kv/rocksdb/engine.cc", "<rocksdb/db.h>") == 0
    assert faults("base/kv/memory/engine.cc", "<rocksdb/db.h>") == 1
    assert faults("base/http/curl_transport.cc", "<curl/curl.h>") == 0
    assert faults("gateway/jobs/job.cc", "<prometheus/counter.h>") == 1
    assert faults("base/clock.h", "<gtest/gtest.h>") == 1
    assert faults("tests/integration/x_test.cc", '"gateway/jobs/a.h"', '"trainer/loop/b.h"') == 0
    print("check_includes: self-test passed")


def main():
    if sys.argv[1:] == ["--self-test"]:
        return self_test()
    root = sys.argv[1] if len(sys.argv) > 1 else os.path.join(os.path.dirname(__file__), "..")
    files, bad = tracked(root), 0
    for path in files:
        with open(os.path.join(root, path), encoding="utf-8") as source:
            for line, message in check_file(path, source.read()):
                print(f"{path}:{line}: {message}")
                bad += 1
    print(f"check_includes: {len(files)} files, {bad} faults")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
