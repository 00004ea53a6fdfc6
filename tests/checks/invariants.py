#!/usr/bin/env python3
"""Every LF_CHECK() names an invariant that a DESIGN.md lists, once.

    tests/checks/invariants.py

Lists are lines that begin "| R1 |", "* **W1** ..." or "- **P3** ...". Prints how many are checked, and which are listed
without a check: those are held by tests alone. Exits with 1 where a check names nothing that is listed, or two lists
have one name.
"""
import os
import re
import sys

os.chdir(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../.."))
listed, checked, problems = {}, {}, []
for top in ("proto", "service", "storage", "client"):
    for folder, _, names in os.walk(top):
        for name in names:
            path = os.path.join(folder, name)
            if name == "DESIGN.md":
                text = open(path, encoding="utf-8").read()
                for invariant in re.findall(r"^(?:\| |[*-] +\*\*)([A-Z]\d+)(?: +\||\*\*)", text, re.M):
                    if invariant in listed:
                        problems.append(f"{invariant} is listed in {listed[invariant]} and in {path}")
                    listed[invariant] = path
            elif name.endswith((".c", ".h")) and path != "proto/base/check.h":
                text = open(path, encoding="utf-8").read()
                for invariant in re.findall(r"\bLF_CHECK\(\s*(\w+)", text):
                    checked.setdefault(invariant, path)
problems += [f"{path} checks {name}, which no DESIGN.md lists" for name, path in checked.items() if name not in listed]
alone = sorted(set(listed) - set(checked), key=lambda name: (name[0], int(name[1:])))
print(f"{len(listed)} invariants, {len(set(listed) & set(checked))} checked; by tests alone: {' '.join(alone) or 'none'}")
if len(checked) < 30:
    problems.append("hardly any check was found: the test looks in the wrong place")
print("\n".join(problems))
sys.exit(1 if problems else 0)
