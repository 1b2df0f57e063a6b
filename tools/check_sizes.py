#!/usr/bin/env python3
"""Functions fit a screen (70 lines) and files one concept (400 lines), in C++, Rust and Python.

    check_sizes.py [ROOT]
    check_sizes.py --self-test

C++ and Rust are read by indentation, which their formatters fix: a body opens at the end of a line
and closes with a brace on a line of its own at the same indentation.
"""
import ast
import os
import re
import subprocess
import sys

MOST_FUNCTION_LINES = 70
MOST_FILE_LINES = 400
NOT_A_FUNCTION = re.compile(
    r"^\s*(namespace|class|struct|union|enum|extern|impl|mod|trait|pub (struct|enum|mod|trait)|"
    r"if|for|while|switch|else|do)\b")
LAMBDA = re.compile(r"\[[^\]]*\] ?[({]")


def brace_functions(text):
    """Functions of a C++ or Rust text as (first line, lines)."""
    lines = text.splitlines()
    found = []
    for index, line in enumerate(lines):
        if not line.endswith(" {"):  # Without the space it is a braced value.
            continue
        start = index
        # Walk up to the start of the declaration: clang-format indents continuation lines by 4.
        while start > 0 and not re.search(r"[;{}:]\s*$|^\s*(//|#|$)", lines[start - 1]):
            start -= 1
        head = " ".join(lines[start:index + 1])
        indent = len(lines[start]) - len(lines[start].lstrip())
        # Lambdas are part of the function around them.
        if "(" not in head or NOT_A_FUNCTION.match(lines[start]) or LAMBDA.search(head):
            continue
        closing = re.compile(r"^ {%d}\}" % indent)
        for end in range(index + 1, len(lines)):
            if closing.match(lines[end]):
                found.append((start + 1, end - start + 1))
                break
    return found


def python_functions(text):
    return [(node.lineno, node.end_lineno - node.lineno + 1) for node in ast.walk(ast.parse(text))
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))]


def check_text(path, text):
    faults = []
    length = text.count("\n")
    if length > MOST_FILE_LINES:
        faults.append((1, f"{length} lines; split files above {MOST_FILE_LINES}"))
    functions = python_functions(text) if path.endswith(".py") else brace_functions(text)
    for line, length in functions:
        if length > MOST_FUNCTION_LINES:
            faults.append((line, f"function of {length} lines; at most {MOST_FUNCTION_LINES}"))
    return faults


def self_test():
    body = "  Call();\n" * 80
    assert check_text("a.cc", "void F() {\n" + body + "}\n") == [(1, "function of 82 lines; at most 70")]
    assert check_text("a.cc", "void F(int a,\n       int b) {\n  Call();\n}\n") == []
    assert check_text("a.cc", "namespace a {\n" + body + "}\n") == []
    assert check_text("a.cc", "class A {\n  void F() {\n" + "  " + body + "  }\n};\n")[0][0] == 2
    call = "void F() {\n  Run(\n      [&](int a) {\n        Call();\n      });\n" + "  Call();\n" * 62
    assert check_text("a.cc", call + "}\n") == []
    assert check_text("a.rs", "pub fn f(a: u8) -> u8 {\n" + body + "}\n")[0][0] == 1
    assert check_text("a.py", "def f():\n" + "    x = 1\n" * 80)[0][0] == 1
    assert check_text("a.cc", "\n" * 401)[0][1].startswith("401 lines")
    print("check_sizes: self-test passed")


def main():
    if sys.argv[1:] == ["--self-test"]:
        return self_test()
    root = sys.argv[1] if len(sys.argv) > 1 else os.path.join(os.path.dirname(__file__), "..")
    listed = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=root, check=True,
                            capture_output=True, text=True).stdout.splitlines()
    files = bad = 0
    for path in sorted(listed):
        if not re.search(r"\.(h|cc|rs|py)$", path) or path.startswith("third_party/"):
            continue
        if not os.path.exists(os.path.join(root, path)):
            continue
        files += 1
        with open(os.path.join(root, path), encoding="utf-8") as source:
            for line, message in check_text(path, source.read()):
                print(f"{path}:{line}: {message}")
                bad += 1
    print(f"check_sizes: {files} files, {bad} faults")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
