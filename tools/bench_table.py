#!/usr/bin/env python3
"""Turns the benchmarks' JSON lines on standard input into a table."""
import json
import sys


def show(value):
    if isinstance(value, float):
        return f"{value:,.3g}" if abs(value) < 1000 else f"{value:,.0f}"
    if isinstance(value, list):
        return str(len(value))
    return "-" if value is None else str(value)


def main():
    columns = ["figure", "value", "unit", "limit", "ratio", "runs"]
    rows = [columns]
    for line in sys.stdin:
        line = line.strip()
        if not line:
            continue
        try:
            row = json.loads(line)
        except ValueError:
            sys.exit(f"bench: not a JSON line: {line[:200]}")
        rows.append([show(row.get(column)) for column in columns])
    widths = [max(len(row[i]) for row in rows) for i in range(len(columns))]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip())


if __name__ == "__main__":
    main()
