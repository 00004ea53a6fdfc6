#!/usr/bin/env python3
"""Holds libleadfit to its headers: it exports what they declare, and nothing else.

    tests/checks/exports.py LIBRARY INCLUDE-FOLDER [CC [FLAGS...]]

INCLUDE-FOLDER: the folder that has the installed leadfit/. Every header in it is compiled, so they must also be complete.
Exits with 1 where a name is declared and not exported, or exported and not declared.
"""
import os
import re
import subprocess
import sys

OURS = re.compile(r"(lf_|leadfit__|google__protobuf__|grpc__health__|grpc__reflection__)\w+$")


def exported(library):
    output = subprocess.run(["nm", "-D", "--defined-only", library], capture_output=True, text=True, check=True).stdout
    names = {line.split()[-1].split("@")[0] for line in output.splitlines() if line.split()[-2] != "A"}
    return names, {line.split()[-1].rsplit("@", 1)[-1] for line in output.splitlines() if "@" in line}


def preprocessed(folder, cc, flags):
    headers = []
    for where, _, names in os.walk(os.path.join(folder, "leadfit")):
        headers += (os.path.relpath(os.path.join(where, name), folder) for name in names if name.endswith(".h"))
    text = "".join(f"#include <{header}>\n" for header in sorted(headers))
    command = [cc, *flags, "-I", folder, "-I", os.path.join(folder, "leadfit"), "-E", "-P", "-x", "c", "-"]
    return subprocess.run(command, input=text, capture_output=True, text=True, check=True).stdout


def statements(text):
    """What stands at the outermost level, each without what is in its braces."""
    depth, statement = 0, ""
    for part in re.split(r"([{};])", re.sub(r"^\s*#.*$", "", text, flags=re.M)):
        if part == "{":
            depth += 1
        elif part == "}":
            depth -= 1
            if depth == 0 and re.search(r"\)\s*$", statement):  # the body of a function
                yield statement
                statement = ""
        elif part == ";" and depth == 0:
            yield statement
            statement = ""
        elif depth == 0:
            statement += part


def declared(text):
    names = set()
    for statement in statements(text):
        statement = re.sub(r"__attribute__\s*\(\((?:[^()]|\([^()]*\))*\)\)", "", statement).strip()
        if re.match(r"(typedef|static|_Static_assert|__extension__)\b", statement):
            continue
        found = re.match(r"[\w\s*]*?\b(\w+)\s*\(", statement)
        if not found and statement.startswith("extern"):
            found = re.search(r"(\w+)\s*(?:\[[^\]]*\])?$", statement)
        if found and OURS.match(found.group(1)):
            names.add(found.group(1))
    return names


def main():
    library, folder, cc, flags = sys.argv[1], sys.argv[2], (sys.argv[3:4] or ["cc"])[0], sys.argv[4:]
    has, versions = exported(library)
    says = declared(preprocessed(folder, cc, flags))
    failed = len(says) < 500  # else the test looks in the wrong place
    for name in sorted(says - has):
        failed = True
        print(f"{name} is declared and not exported")
    for name in sorted(has - says):
        failed = True
        print(f"{name} is exported and not declared")
    print(f"{len(says)} names are declared, {len(has)} are exported as {' '.join(sorted(versions))}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
