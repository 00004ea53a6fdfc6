#!/usr/bin/env python3
"""Holds the rooms to their doors.

    tests/checks/layering.py [BUILD]        BUILD: a build folder whose archives are looked at, too

ROOMS says which rooms each room may use. It is in layer order: a room may use only rooms above it in the table, so there
is no circle between rooms. Checked against it:

  * every #include "..." of every source file;
  * USES in each room's CMakeLists.txt, which must say the same;
  * with BUILD, the symbols in the rooms' archives: which room a call goes to, and that the files within one room do not
    call each other in a circle;
  * the size of each room: at most 40 source files, and a README.

Exits with 1 where something is wrong. Prints the table as it stands: rooms, files, lines, arrows.
"""
import os
import re
import subprocess
import sys

FILES_MAX = 40
CHECK = "proto/base/check.h"  # LF_CHECK() includes nothing but the C library: the pure rooms may have it

# folder: (target, rooms it may use, headers it may include beside those)
ROOMS = {
    "proto/base": ("base", "", ""),
    "proto/wire": ("wire", "base pb", ""),
    "proto/text": ("text", "base wire pb", ""),
    "proto/gen": (None, "", "proto/wire/codec.h proto/wire/descriptors.h google/protobuf/descriptor.pb-c.h"),
    "storage/tlog": ("tlog", "", CHECK),
    "storage/log": ("log", "base tlog", ""),
    "storage/sqlite": ("sqlite", "base log tlog", ""),
    "storage/postgres": ("postgres", "base log tlog", ""),
    "storage/backends": ("backends", "base log sqlite postgres", ""),
    "storage/verify": ("verify", "base log tlog", ""),
    "service/engine": ("engine", "", CHECK),
    "service/engine/words": ("words", "engine", ""),
    "service/events": ("events", "base", ""),
    "service/rpc": ("rpc", "base events wire pb", ""),
    "service/rpc/nng": ("rpc_nng", "base events wire pb rpc", ""),
    "service/reflect": ("reflect", "base wire pb rpc", ""),
    "service/http/parse": ("http_parse", "base", ""),
    "service/http/tls": ("http_tls", "base rpc", ""),
    "service/http": ("http", "base wire text pb rpc http_parse http_tls", ""),
    "service/access": ("access", "base events wire pb log tlog", ""),
    "service/rubric": ("rubric", "base events wire text pb engine log tlog", ""),
    "service/decide": ("decide", "base wire text pb engine words rubric log tlog", ""),
    "service/state": ("state", "base events wire pb engine rubric decide rpc log tlog", ""),
    "service/seal": ("seal", "base events log tlog", ""),
    "service/scoring": ("scoring", "base wire pb engine words rubric decide state rpc log tlog", ""),
    "service/decisions": ("decisions", "base wire pb engine rubric decide state rpc access log tlog", ""),
    "service/rubrics_api": ("rubrics_api", "base wire pb engine rubric decide state rpc log tlog", ""),
    "service/audit": ("audit", "base wire text pb engine rubric decide state rpc access log verify seal tlog", ""),
    "service/keeping": ("keeping", "base events wire pb engine rubric decide state rpc access log seal tlog", ""),
    "service/metrics": ("metrics", "base wire pb events rpc rpc_nng http state decide rubric engine seal log tlog", ""),
    "service/offline": ("offline", "base wire pb state log backends postgres verify tlog seal audit keeping", ""),
    "service/daemon": (
        "daemon",
        "base events wire text pb engine rubric decide rpc access rpc_nng reflect http state log backends verify tlog scoring decisions rubrics_api"
        " audit keeping metrics seal offline",
        "",
    ),
    "client/lib": ("client", "base wire pb", ""),
    "client/term": ("term", "base wire text pb", ""),
    "client/calc": ("calc", "base wire text pb tlog", ""),
    "client/sheets": ("sheets", "base", ""),
    "client/files": ("files", "base wire text pb tlog term calc sheets", ""),
    "client/draw": ("draw", "base text pb term calc", ""),
    "client/views": ("views", "base wire text pb tlog term calc draw", ""),
    "client/batch": ("batch", "base wire text pb client files", ""),
    "client/session": ("session", "base wire text pb client term files", ""),
    "client/given": ("given", "base wire text pb client tlog term files session", ""),
    "client/cmd": ("cmd", "base wire text pb client tlog term calc files draw views batch session given", ""),
    "client/packaging": (None, "", ""),
    "client/examples": (None, "", ""),  # as users see us: <leadfit/...>, installed
}
GENERATED = ("leadfit/v1/", "google/protobuf/", "grpc/health/", "grpc/reflection/")  # the room "pb"
FOLDER_OF = {target: folder for folder, (target, _, _) in ROOMS.items() if target}

problems = []


def room_of(path):
    """The room that a file of ours is in: the longest folder of ROOMS that it is below."""
    folder = os.path.dirname(path)
    while folder and folder not in ROOMS:
        folder = os.path.dirname(folder)
    return folder or None


def sources():
    for top in ("proto", "service", "storage", "client"):
        for folder, _, names in os.walk(top):
            yield from (os.path.join(folder, name) for name in sorted(names) if name.endswith((".c", ".h")))


def check_table():
    seen = {"pb"}
    for folder, (target, uses, _) in ROOMS.items():
        for use in uses.split():
            if use not in seen:
                problems.append(f"ROOMS: {folder} uses {use}, which is not above it")
        seen.add(target)


def check_includes():
    """Returns how many includes were read, and {folder: set of rooms that it includes}."""
    count, arrows = 0, {folder: set() for folder in ROOMS}
    for path in sources():
        folder = room_of(path)
        if folder is None:
            problems.append(f"{path} is in no room")
            continue
        _, uses, extra = ROOMS[folder]
        text = open(path, encoding="utf-8").read()
        for include in re.findall(r'^[ \t]*#[ \t]*include[ \t]*"([^"]*)"', text, re.M):
            count += 1
            if room_of(include) == folder or include in extra.split():
                continue
            if include.startswith(GENERATED):
                used = "pb"
            else:
                used = ROOMS.get(room_of(include), (None,))[0]
            if used is None or used not in uses.split():
                problems.append(f'{path} includes "{include}", which {folder} may not')
            else:
                arrows[folder].add(used)
    if count < 500:
        problems.append(f"only {count} includes were found: the test looks in the wrong place")
    return count, arrows


def check_cmake():
    for folder, (target, uses, _) in ROOMS.items():
        if target is None:
            continue
        path = os.path.join(folder, "CMakeLists.txt")
        text = open(path, encoding="utf-8").read() if os.path.exists(path) else ""
        text = re.sub(r"#.*", "", text)
        call = re.search(r"lf_room\(\s*" + target + r"\b([^)]*)\)", text)
        if not call:
            problems.append(f"{path} makes no lf_room({target})")
            continue
        said = re.search(r"\bUSES\b(.*?)(\bLIBRARIES\b|$)", call.group(1), re.S)
        said = set(said.group(1).split()) if said else set()
        if said != set(uses.split()):
            problems.append(f"{path}: USES {' '.join(sorted(said))}; ROOMS has {' '.join(sorted(uses.split()))}")


def symbols(archive):
    """{object: (defined, undefined)} of an archive's global symbols."""
    objects = {}
    output = subprocess.run(["nm", "-A", "-g", archive], capture_output=True, text=True, check=True).stdout
    for line in output.splitlines():
        match = re.match(r".*?:([^:]+):\s*[0-9a-f]*\s+([A-Za-z])\s+(\S+)$", line)
        if match:
            name, kind, symbol = match.groups()
            defined, undefined = objects.setdefault(name, (set(), set()))
            (undefined if kind in "Uw" else defined).add(symbol)
    return objects


def circles(graph):
    """The strongly connected parts with more than one node (Tarjan)."""
    index, low, stack, found = {}, {}, [], []

    def visit(node):
        index[node] = low[node] = len(index)
        stack.append(node)
        for other in graph[node]:
            if other not in index:
                visit(other)
            if other in stack:
                low[node] = min(low[node], low[other])
        if low[node] == index[node]:
            part = []
            while True:
                part.append(stack.pop())
                if part[-1] == node:
                    break
            if len(part) > 1:
                found.append(sorted(part))

    for node in graph:
        if node not in index:
            visit(node)
    return found


def check_symbols(build):
    """Returns how many archives were read, and how many circles were found."""
    rooms, owner, found = {}, {}, 0
    for target, folder in FOLDER_OF.items():
        archive = os.path.join(build, folder, f"liblf_{target}.a")
        if not os.path.exists(archive):
            problems.append(f"{archive} is missing: build first")
            continue
        rooms[target] = symbols(archive)
        for defined, _ in rooms[target].values():
            owner.update((symbol, target) for symbol in defined if symbol.startswith("lf_"))
    for target, objects in rooms.items():
        uses = ROOMS[FOLDER_OF[target]][1].split()
        graph = {name: set() for name in objects}
        for name, (_, undefined) in objects.items():
            for symbol in undefined:
                to = owner.get(symbol)
                if to is not None and to != target and to not in uses:
                    problems.append(f"{FOLDER_OF[target]}: {name} calls {symbol}() of {FOLDER_OF[to]}, which it may not use")
            for other, (defined, _) in objects.items():
                shared = undefined & defined
                if other != name and shared:
                    graph[name].add(other)
        for circle in circles(graph):
            found += 1
            problems.append(f"{FOLDER_OF[target]}: a circle of {len(circle)} files: {' '.join(circle)}")
            for name in circle:
                for other in sorted(graph[name] & set(circle)):
                    calls = sorted(objects[name][1] & objects[other][0])
                    problems.append(f"    {name} -> {other}: {' '.join(calls[:4])}")
    return len(rooms), found


def main():
    os.chdir(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../.."))
    check_table()
    count, arrows = check_includes()
    check_cmake()
    archives, found = check_symbols(sys.argv[1]) if len(sys.argv) > 1 else (0, 0)
    print(f"{'room':22} files  lines  includes")
    for folder, (target, _, _) in ROOMS.items():
        own = [path for path in sources() if room_of(path) == folder]
        lines = sum(open(path, encoding="utf-8").read().count("\n") for path in own)
        print(f"{folder:22} {len(own):5} {lines:6}  {' '.join(sorted(arrows[folder]))}")
        if len(own) > FILES_MAX:
            problems.append(f"{folder} has {len(own)} source files; a room has at most {FILES_MAX}")
        if not os.path.exists(os.path.join(folder, "README.md")):
            problems.append(f"{folder} has no README.md")
    looked = f", symbols of {archives} archives" if archives else ""
    print(f"{len(ROOMS)} rooms, {count} includes{looked}: {len(problems)} wrong, {found} circles within rooms")
    print("\n".join(problems))
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
