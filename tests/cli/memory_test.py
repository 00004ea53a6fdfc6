#!/usr/bin/env python3
"""What is in the service's memory: nothing of a person after an erasure, no key and no token beyond their place; and how much at its start.

    memory_test.py LEADFIT LEADFITD SOURCE_FOLDER [SANITIZERS]

Reads /proc/PID/mem, as gcore would. Where that is not allowed, or sanitizers have a heap of their own, it is skipped (77).
"""
import base64
import json
import os
import re
import subprocess
import sys
import tempfile
import time

leadfit, leadfitd, source = (os.path.abspath(path) for path in sys.argv[1:4])
if len(sys.argv) > 4 and sys.argv[4]:
    sys.exit(77)
team_file = os.path.join(source, "service/examples/team.yaml")
project_file = os.path.join(source, "service/examples/project.yaml")
PERSON, NAME = "zq-person-77", "Zelda Quirrel-Vance"
PATIENCE = 60  # seconds, for what idle threads do when they come by

# Where something of the person may be left: (pattern of the mapping's name, what keeps it, most times). Anything beyond fails.
EXCEPTIONS = []

failures = 0


def check(holds, what):
    global failures
    print(("ok - " if holds else "not ok - ") + what, flush=True)
    failures += not holds


def occurrences(pid, needle):
    """Names of the mappings in which the bytes are, once for each time."""
    found = []
    with open(f"/proc/{pid}/maps") as maps, open(f"/proc/{pid}/mem", "rb", 0) as memory:
        for line in maps:
            span, mode, *_, name = re.match(r"(\S+) (\S+) (\S+) (\S+) (\S+)\s*(.*)", line).groups()
            begin, end = (int(x, 16) for x in span.split("-"))
            if "r" not in mode or name in ("[vvar]", "[vvar_vclock]", "[vsyscall]"):
                continue
            try:
                memory.seek(begin)
                data = memory.read(end - begin)
            except OSError:
                continue
            found += [name or "anonymous"] * data.count(needle)
    return found


def beyond(found):
    """What no exception covers."""
    rest = list(found)
    for pattern, _, most in EXCEPTIONS:
        for name in [n for n in rest if re.fullmatch(pattern, n)][:most]:
            rest.remove(name)
    return rest


class Service:
    def __init__(self, folder, *options, **how):
        self.folder, self.url = folder, f"ipc://{folder}/socket"
        self.said = os.path.join(folder, "said")
        self.environment = {k: v for k, v in os.environ.items() if not k.startswith("LEADFIT_")} | {"LEADFIT_SERVER": self.url}
        with open(self.said, "wb") as said:
            self.process = subprocess.Popen([leadfitd, "--db", f"{folder}/log.db", "--listen", self.url, "--log", "text", *options],
                                            stderr=said, **how)
        self.pid = self.process.pid
        while b" ready: " not in open(self.said, "rb").read():
            if self.process.poll() is not None:
                sys.exit("it did not start: " + open(self.said).read())
            time.sleep(0.05)

    def call(self, *words, token=None, may_fail=False):
        environment = self.environment | ({"LEADFIT_TOKEN": token} if token else {})
        done = subprocess.run([leadfit, *words], env=environment, cwd=self.folder, capture_output=True, text=True)
        if done.returncode > 1 and not may_fail:
            sys.exit(f"{words}: {done.returncode}: {done.stderr}")
        return done.stdout

    def end(self):
        self.process.terminate()
        check(self.process.wait() == 0, "the service ends well")


def put(path, text):
    with open(path, "w") as file:
        file.write(text)
    return path


def traffic(service):
    """Everything that a person goes through: scored alone and in batches, read, exported, replayed, recorded, tried out."""
    folder = service.folder
    text = open(team_file).read()
    first = re.search(r"id: (m-\d+)", text).group(1)
    team = put(f"{folder}/team.yaml", text.replace(first, PERSON).replace(f"id: {PERSON}\n", f"id: {PERSON}\n    name: {NAME}\n", 1))
    evidence = [{"criterion": "architecture", "rating": 4, "note": f"{NAME} led it, says {PERSON}"}]
    members = [{"id": PERSON, "name": NAME, "discipline": "BACKEND", "evidence": evidence}, {"id": "b", "discipline": "FRONTEND"}]
    batch = put(f"{folder}/batch.json", json.dumps({"teams": [{"id": "t", "members": members}], "projects": [{"id": "p"}], "items": [{}] * 100}))
    lines = put(f"{folder}/lines", "".join(json.dumps({"team": {"id": f"t{n}", "members": members}, "project": {"id": "p"}}) + "\n" for n in range(300)))
    for _ in range(10):
        service.call("score", "--team", team, "--project", project_file)
    service.call("score", "--team", team, "--project", project_file, "--key", "once", "--as-of", "2026-08-01")
    service.call("score", "--team", team, "--project", project_file, "--key", "once", "--as-of", "2026-08-01")
    service.call("score", "--team", team, "--project", project_file, "--what-if", "--sweep", "interaction_focus", may_fail=True)
    service.call("profile", "--project", project_file, "--team", team)
    service.call("call", "Scoring/ScoreBatch", "@" + batch)
    service.call("batch", lines, "--out", f"{folder}/decided")
    listed = json.loads(service.call("decisions", "list", "--candidate", PERSON, "--output", "json"))
    decision = listed["decisions"][0]["decisionId"]
    service.call("decisions", "show", decision)
    service.call("decisions", "outcome", decision, "--overridden", "--lead", PERSON, "--by", "the head", "--reason", f"{PERSON} asked")
    service.call("decisions", "outcome", decision)
    service.call("decisions", "export", f"{folder}/all")
    service.call("decisions", "report")
    service.call("decisions", "verify")
    service.call("decisions", "replay", "--candidate", PERSON, may_fail=True)
    service.call("decisions", "prove", decision, may_fail=True)
    service.call("decisions", "list", "--team", f"{PERSON} is no team", may_fail=True)


def nothing_of_a_person():
    with tempfile.TemporaryDirectory() as folder:
        service = Service(folder, "--core-dumps")
        traffic(service)
        try:
            before = len(occurrences(service.pid, PERSON.encode()))
        except PermissionError:
            sys.exit(77)
        check(before > 0, f"a person who was scored is in memory ({before} times), so that this test can find one")
        service.call("decisions", "erase", "--candidate", PERSON, "--reason", "asked", "--yes")
        until = time.monotonic() + PATIENCE
        while True:
            left = {needle: beyond(occurrences(service.pid, needle.encode())) for needle in (PERSON, NAME)}
            if not any(left.values()) or time.monotonic() > until:
                break
            time.sleep(0.5)
        for needle, found in left.items():
            check(not found, f"after erasing, {needle} is in memory {len(found)} times beyond the exceptions {found[:20]}")
        service.call("score", "--team", team_file, "--project", project_file)
        service.call("decisions", "verify")
        service.end()


def no_key_and_no_token():
    with tempfile.TemporaryDirectory() as folder:
        token = "a-token-that-nobody-guesses-0123456789abcdef"
        digest = __import__("hashlib").sha256(token.encode()).hexdigest()
        tokens = put(f"{folder}/tokens", f"ops {digest} admin\n")
        os.chmod(tokens, 0o600)
        service = Service(folder, "--core-dumps", "--tokens", tokens)
        for _ in range(5):
            service.call("score", "--team", team_file, "--project", project_file, token=token)
        text = open(f"{folder}/log.db.key").read().strip().rsplit("+", 1)
        seed = base64.b64decode(open(f"{folder}/log.db.key").read().strip().split("+", 4)[4])[1:]
        check(len(seed) == 32, "the key file has a seed")
        check(len(occurrences(service.pid, seed)) == 1, "the signing key is in memory once")
        check(not occurrences(service.pid, text[1].encode()), "its text is not")
        locked = int(re.search(r"VmLck:\s+(\d+)", open(f"/proc/{service.pid}/status").read()).group(1))
        check(locked > 0, f"{locked} KiB are locked in memory")
        check(not occurrences(service.pid, digest.encode()), "the text of the tokens file is not in memory")
        until = time.monotonic() + PATIENCE
        while occurrences(service.pid, token.encode()) and time.monotonic() < until:
            time.sleep(0.5)
        check(not occurrences(service.pid, token.encode()), "a caller's token is not kept")
        service.end()


def looked_into_by_nobody():
    """Run as a user without privileges, /proc shows whether another process of that user may look."""
    how = {"user": 65534, "group": 65534, "extra_groups": []} if os.geteuid() == 0 else {}
    user = 65534 if os.geteuid() == 0 else os.geteuid()
    for options, owner, core in (([], 0, "0"), (["--core-dumps"], user, None)):
        with tempfile.TemporaryDirectory() as folder:
            os.chmod(folder, 0o777)
            service = Service(folder, *options, **how)
            check(os.stat(f"/proc/{service.pid}/maps").st_uid == owner,
                  f"{options or 'without options'}: its memory is {'nobody' if owner == 0 else 'its user'}'s to read")
            limit = re.search(r"Max core file size\s+(\S+)", open(f"/proc/{service.pid}/limits").read()).group(1)
            check(core is None or limit == core, f"{options or 'without options'}: a core may have {limit} bytes")
            service.call("health")
            service.end()


def little_at_its_start():
    """What may be large is read into memory of its size: freed memory is cleared, so a large piece would be touched, all of it."""
    with tempfile.TemporaryDirectory() as folder:
        service = Service(folder)
        peak = int(re.search(r"VmHWM:\s+(\d+)", open(f"/proc/{service.pid}/status").read()).group(1))
        check(peak < 32768, f"its start takes {peak} KiB at most, of 32768")
        service.end()


def where_nothing_may_be_locked():
    how = {"user": 65534, "group": 65534, "extra_groups": []} if os.geteuid() == 0 else {}
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o777)
        resource = __import__("resource")
        tokens = put(f"{folder}/tokens", f"ops {'0' * 64} admin\n")
        os.chmod(tokens, 0o644)
        service = Service(folder, "--tokens", tokens, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_MEMLOCK, (0, 0)), **how)
        said = open(service.said).read()
        check(said.count("the signing key may be swapped to disk: it can't be locked in memory (RLIMIT_MEMLOCK)") == 1, "it says so of the key, once")
        check(said.count("the hashes of tokens may be swapped to disk") == 1, "it says so of tokens, once")
        service.end()


nothing_of_a_person()
no_key_and_no_token()
looked_into_by_nobody()
little_at_its_start()
where_nothing_may_be_locked()
sys.exit(1 if failures else 0)
