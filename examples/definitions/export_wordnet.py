#!/usr/bin/env python3
"""Rebuilds train.jsonl and held_out.jsonl, byte for byte, from WordNet 3.0.

    apt-get install --no-install-recommends wordnet-base
    ./export_wordnet.py --out DIRECTORY [--wordnet /usr/share/wordnet] [--check]

A row is {"id": "n-<offset>", "word", "text", "label"}: a noun's gloss without its quoted
examples, and the kind of thing it describes. Draw and order are hashes of the row's id, so the
files are the same on every machine. Left out are the rows of glosses.jsonl (tests and worked
examples come from there), repeated texts, texts shorter than 12 characters and the five worked
examples of the prompt; then the first 600 rows are held out and the next 2,000 train.
--check compares with the files beside this script instead of writing.
"""
import argparse
import hashlib
import json
import pathlib
import re
import sys

HERE = pathlib.Path(__file__).resolve().parent
SEED = "limbeck"
PER_CLASS = 560
HELD_OUT, TRAIN = 600, 2000
SHORTEST = 12
# WordNet's lexicographer files, by number; only the noun files that the task uses.
LABELS = {5: "animal", 13: "food", 15: "place", 18: "person", 20: "plant"}
# The prompt shows these to the teacher, so they may not be asked.
WORKED_EXAMPLES = (
    "of the plains of central and eastern Africa",
    "made of fermented honey and water",
    "an American who lives in the South",
    "Florida's largest city; a port and important commercial center in northeastern Florida",
    "stiff coarse fiber from the outer husk of a coconut",
)


def digest(text):
    return hashlib.sha256(text.encode()).hexdigest()


def normal(text):
    return " ".join(text.lower().split())


def nouns(directory):
    """Rows of data.noun whose class is wanted, in file order."""
    with open(pathlib.Path(directory) / "data.noun", encoding="utf-8") as lines:
        for line in lines:
            if line.startswith("  "):
                continue  # the licence
            head, gloss = line.rstrip("\n").split(" | ", 1)
            fields = head.split(" ")
            label = LABELS.get(int(fields[1]))
            if label is None:
                continue
            text = re.split(r';\s*"', gloss.strip())[0].strip().rstrip(";").strip()
            word = fields[4].replace("_", " ")
            yield {"id": "n-" + fields[0], "word": word, "text": text, "label": label}


def draw(rows, skip):
    """PER_CLASS rows of each class, mixed."""
    by_class = {}
    for row in rows:
        if row["id"] not in skip:
            by_class.setdefault(row["label"], []).append(row)
    drawn = []
    for members in by_class.values():
        members.sort(key=lambda row: (digest(SEED + row["id"]), row["id"]))
        drawn += members[:PER_CLASS]
    # Another hash than the draw's: its own would put the large classes first.
    return sorted(drawn, key=lambda row: digest(SEED + "/order/" + row["id"]))


def distinct(rows):
    seen = {normal(text) for text in WORKED_EXAMPLES}
    for row in rows:
        key = normal(row["text"])
        if len(key) >= SHORTEST and key not in seen:
            seen.add(key)
            yield row


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", default=".", help="directory to write to")
    parser.add_argument("--wordnet", default="/usr/share/wordnet")
    parser.add_argument("--check", action="store_true")
    arguments = parser.parse_args()
    with open(HERE / "glosses.jsonl", encoding="utf-8") as lines:
        skip = {json.loads(line)["id"] for line in lines}
    rows = list(distinct(draw(nouns(arguments.wordnet), skip)))
    parts = {"held_out.jsonl": rows[:HELD_OUT], "train.jsonl": rows[HELD_OUT:HELD_OUT + TRAIN]}
    different = 0
    for name, part in parts.items():
        content = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in part).encode()
        if not arguments.check:
            (pathlib.Path(arguments.out) / name).write_bytes(content)
        elif content != (HERE / name).read_bytes():
            print(f"{name} differs from what WordNet gives", file=sys.stderr)
            different = 1
    return different


if __name__ == "__main__":
    sys.exit(main())
