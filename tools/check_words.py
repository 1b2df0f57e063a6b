#!/usr/bin/env python3
"""Keeps the contract to one vocabulary: protos may not use synonyms of the project's words.

    check_words.py [ROOT]
    check_words.py --self-test
"""
import os
import re
import sys

# Forbidden in protos -> the word to use. Case and plural do not matter; "_" and " " are the same.
SYNONYMS = {
    "lease": "claim",
    "prompt row": "query",
    "logit store": "cache",
    "logit cache": "cache",
    "soft label store": "cache",
    "logprob store": "cache",
    "response cache": "cache",
    "teacher response": "soft output",
    "completion record": "record",
    "tenant": "team",
    "organisation": "team",
    "namespace": "domain",
    "shard": "pack",
    "chunk file": "pack",
    "frozen set": "snapshot",
    "manifest": "snapshot",
    "fan out": "expansion",
    "rate group": "quota pool",
    "rate limit group": "quota pool",
    "provider account": "quota pool",
    "upstream model": "teacher",
    "oracle": "teacher",
    "apprentice": "student",
    "pupil": "student",
    "loss config": "objective",
    "evaluation card": "report",
    "model card": "report",
    "scorecard": "report",
    "run id": "job id",
    "task id": "job id",
    "trainer node": "worker",
    "api key": "secret source",
    "perturbation": "noise",
    "augmentation": "noise",
}
PATTERN = re.compile(
    r"(?<![a-z])(" + "|".join(re.escape(word).replace(r"\ ", r"[ _-]?") for word in SYNONYMS) +
    r")s?(?![a-z])", re.IGNORECASE)
CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def check_text(text):
    """Faults as (line, forbidden word, word to use)."""
    faults = []
    for number, line in enumerate(text.splitlines(), 1):
        for match in PATTERN.finditer(CAMEL.sub(" ", line)):
            found = re.sub(r"[_-]", " ", match.group(1).lower())
            use = SYNONYMS.get(found) or next(
                use for word, use in SYNONYMS.items() if word.replace(" ", "") == found)
            faults.append((number, match.group(1), use))
    return faults


def self_test():
    assert check_text("// Holds the claim.\nmessage Claim {}") == []
    assert check_text("uint32 lease_seconds = 1;") == [(1, "lease", "claim")]
    assert check_text("message LeaseRequest {") == [(1, "Lease", "claim")]
    assert check_text("// please release") == []
    assert check_text("string api_key = 1;") == [(1, "api_key", "secret source")]
    assert check_text("// each Prompt row,\nmessage PromptRow {")[1][0] == 2
    assert check_text("repeated Tenant tenants = 1;") == [(1, "Tenant", "team"),
                                                          (1, "tenant", "team")]
    print("check_words: self-test passed")


def main():
    if sys.argv[1:] == ["--self-test"]:
        return self_test()
    root = sys.argv[1] if len(sys.argv) > 1 else os.path.join(os.path.dirname(__file__), "..")
    files = bad = 0
    for folder, _, names in sorted(os.walk(os.path.join(root, "proto"))):
        for name in sorted(names):
            if not name.endswith(".proto"):
                continue
            files += 1
            path = os.path.join(folder, name)
            with open(path, encoding="utf-8") as proto:
                for line, word, use in check_text(proto.read()):
                    print(f'{os.path.relpath(path, root)}:{line}: "{word}": say "{use}"')
                    bad += 1
    print(f"check_words: {files} protos, {bad} faults")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
