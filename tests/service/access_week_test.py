#!/usr/bin/env python3
"""Who looked: ten callers over a week, read back by an auditor with the command line alone, and verified.

    access_week_test.py LEADFIT LEADFITD SOURCE_FOLDER [SANITIZERS]

The week is simulated by Debian's faketime: the service is started anew each day, as a running log does not follow a clock that
jumps. Without faketime, or where sanitizers want to be loaded first, it is skipped (77).
"""
import atexit
import collections
import datetime
import glob
import json
import os
import subprocess
import sys
import tempfile
import time

leadfit, leadfitd, source = (os.path.abspath(path) for path in sys.argv[1:4])
LIBRARY = glob.glob("/usr/lib/*/faketime/libfaketimeMT.so.1")
if (len(sys.argv) > 4 and sys.argv[4]) or not LIBRARY:
    sys.exit(77)
MONDAY = datetime.datetime(2026, 8, 3, 9, 0, 57, tzinfo=datetime.timezone.utc)
DAYS = 7
CALLERS = {"hr-platform": "score,read", "nightly-batch": "score,read", "recruiting": "read", "works-council": "read", "data-lake": "read",
           "rubric-owner": "read,rubric", "m-1007": "read", "operator": "admin", "auditor": "read", "scorer": "score"}

failures = 0


def check(holds, what):
    global failures
    print(("ok - " if holds else "not ok - ") + what, flush=True)
    failures += not holds


class Week:
    """A service with a clock of its own, and what its callers did to it."""

    def __init__(self, folder):
        self.folder, self.url = folder, f"unix:{folder}/socket"
        self.offset, self.process = f"{folder}/offset", None
        self.expected = {}  # by day: (caller, method, code, kind) -> calls
        self.decisions = {}  # by day: caller -> decisions that were exported
        self.strangers = 0
        os.mkdir(f"{folder}/backups")
        with open(f"{folder}/tokens", "w") as tokens:
            for name, roles in CALLERS.items():
                tokens.write(subprocess.run([leadfit, "token", name, "--roles", roles, "--token-out", f"{folder}/{name}"],
                                            check=True, capture_output=True, text=True).stdout)
        os.chmod(f"{folder}/tokens", 0o600)
        with open(f"{folder}/stranger", "w") as stranger:
            stranger.write("nobody-has-this-token-0123456789abcdefghijklmnop\n")
        os.chmod(f"{folder}/stranger", 0o600)

    def set_clock(self, when):
        with open(self.offset + ".new", "w") as offset:
            offset.write(f"{(when - datetime.datetime.now(datetime.timezone.utc)).total_seconds():+.0f}\n")
        os.rename(self.offset + ".new", self.offset)

    def start(self, when):
        self.day = when.date()
        self.expected[self.day], self.decisions[self.day] = collections.Counter(), collections.Counter()
        self.set_clock(when)
        environment = dict(os.environ, LD_PRELOAD=LIBRARY[0], FAKETIME_TIMESTAMP_FILE=self.offset, FAKETIME_NO_CACHE="1",
                           FAKETIME_DONT_FAKE_MONOTONIC="1")
        with open(f"{self.folder}/said", "ab") as said:
            self.process = subprocess.Popen([leadfitd, "--db", f"{self.folder}/log.db", "--listen", f"ipc://{self.folder}/nng", "--http", self.url,
                                             "--tokens", f"{self.folder}/tokens", "--backups", f"{self.folder}/backups"], stderr=said, env=environment)
        while self.run("auditor", "health").returncode != 0:
            if self.process.poll() is not None:
                sys.exit("it did not start: " + open(f"{self.folder}/said").read())
            time.sleep(0.05)

    def stop(self):
        self.process.terminate()
        check(self.process.wait(60) == 0, f"{self.day}: the service ends well")

    def kill(self):
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def run(self, caller, *arguments):
        return subprocess.run([leadfit, "--server", self.url, "--token-file", f"{self.folder}/{caller}", *arguments],
                              capture_output=True, text=True)

    def call(self, caller, method, request, code="OK", kind="COUNTED", times=1):
        """A call, and what the trail must say of it. Gives the answer."""
        for _ in range(times):
            done = self.run(caller, "call", method, json.dumps(request))
            if (done.returncode == 0) != (code == "OK"):
                with open(f"{self.folder}/said") as said:
                    sys.exit(f"{caller}: {method}: {done.stderr}{said.read()}")
            self.expected[self.day][caller, f"leadfit.v1.{method}", code, kind] += 1
        return json.loads(done.stdout) if code == "OK" else None

    def export(self, caller, request):
        page = self.call(caller, "Decisions/Export", request, kind="RECORDED")
        self.decisions[self.day][caller] += len(page["decisions"])


def work(week, name):
    """A working day, over the end of a minute."""
    example = [f"{source}/service/examples/{file}" for file in ("team.yaml", "project.yaml")]
    done = week.run("hr-platform", "score", "--team", example[0], "--project", example[1], "--output", "json")
    if done.returncode != 0:
        sys.exit(f"score: {done.stderr}")
    decision = json.loads(done.stdout)["decisionId"]
    week.call("hr-platform", "Decisions/List", {}, times=2)
    week.call("hr-platform", "Decisions/Get", {"decisionId": decision})
    week.export("nightly-batch", {})
    week.call("nightly-batch", "Decisions/Export", {"selection": {"team": "nobody's"}})
    week.call("recruiting", "Decisions/Get", {"decisionId": decision}, times=2)
    week.call("recruiting", "Decisions/Get", {"decisionId": "01a22ca6-257c-75d7-85e6-000000000000"}, code="NOT_FOUND")
    week.call("works-council", "Audit/Replay", {})
    week.call("works-council", "Audit/Prove", {"decisionId": decision})
    week.export("data-lake", {"selection": {"team": "payments", "candidate": "m-1042"}})
    week.call("rubric-owner", "Rubrics/SetDefault", {"name": "tech-lead"})
    week.call("m-1007", "Decisions/ListOutcomes", {"decisionId": decision})
    week.call("operator", "Keeping/Backup", {"name": f"{name}.db"}, kind="RECORDED")
    week.call("operator", "Jobs/List", {})
    week.call("auditor", "Audit/ListAccess", {})
    week.call("scorer", "Decisions/List", {}, code="PERMISSION_DENIED", times=2)
    week.call("scorer", "Keeping/StartErase", {"candidate": "m-1011", "reason": "curious"}, code="PERMISSION_DENIED")
    week.strangers += week.run("stranger", "call", "Decisions/List").returncode == 4


def audit(week, *arguments):
    done = week.run("auditor", "audit", "access", "--output", "json", *arguments)
    check(done.returncode == 0, f"audit access {' '.join(arguments)}{done.stderr}")
    return json.loads(done.stdout).get("entries", [])


def summed(entries):
    sums = collections.Counter()
    for entry in entries:
        sums[entry["caller"], entry["method"], entry["code"], entry["kind"]] += int(entry["calls"])
    return sums


def instant(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))


def day(number):
    return str((MONDAY + datetime.timedelta(days=number)).date())


def check_trail(week):
    whole = sum(week.expected.values(), collections.Counter())
    entries = audit(week, "--until", day(DAYS))
    check(summed(entries) == whole, f"{sum(whole.values())} calls of the week are on record, and no others")
    check(week.strangers == DAYS, "who has no token is refused, and in no record")
    check({e["caller"] for e in entries} == set(CALLERS), "ten callers")
    check("m-1042" not in json.dumps(entries) and "m-1011" not in json.dumps(entries), "no record names a member who was asked for")
    for number in range(DAYS):
        some = audit(week, "--since", day(number), "--until", day(number + 1))
        check(summed(some) == week.expected[instant(day(number)).date()], f"{day(number)}: what was done that day")
    for entry in entries:
        at, until = instant(entry["at"]), instant(entry.get("until", entry["at"]))
        if not (until - at).total_seconds() <= 60 or (entry["kind"] == "COUNTED" and at.second != 0 and at.microsecond != 0):
            check(False, f"counted by minute: {entry}")
    exported = collections.Counter()
    for entry in entries:
        exported[entry["caller"]] += int(entry.get("decisions", 0))
    check(exported == sum(week.decisions.values(), collections.Counter()), "how many decisions each caller exported")
    check({e["method"] for e in audit(week, "--kind", "recorded", "--until", day(DAYS))} ==
          {"leadfit.v1.Decisions/Export", "leadfit.v1.Keeping/Backup"}, "exports and copies have a record each")
    check({e["file"] for e in entries if e["method"].endswith("Backup")} ==
          {f"day-{n}.db" for n in range(DAYS)}, "each copy by its name")
    check(all(e.get("onePerson") and e["team"] == "payments" for e in entries if e["caller"] == "data-lake"),
          "that an export was of one person, and not of whom")
    check(summed(audit(week, "--caller", "scorer")) == collections.Counter({k: v for k, v in whole.items() if k[0] == "scorer"}),
          "one caller's")
    check(summed(audit(week, "--method", "Decisions/Get")) ==
          collections.Counter({k: v for k, v in whole.items() if k[1].endswith("Decisions/Get")}), "one method's")
    table = week.run("auditor", "audit", "access", "--caller", "hr-platform").stdout.splitlines()
    check(len(table) == 3 and table[1].split()[:4] == ["hr-platform", "Decisions/Get", "OK", str(DAYS)], "\n".join(table))


def check_refusals(week):
    for arguments, said in ((("--since", "soon"), "--since: soon is neither a date"), (("--kind", "all"), "--kind: "),
                            (("--caller", "c" * 200), "--caller")):
        done = week.run("auditor", "audit", "access", *arguments)
        check(done.returncode == 2 and said in done.stderr, done.stderr.strip())
    done = week.run("scorer", "audit", "access")
    check(done.returncode == 4 and "lacks the role read" in done.stderr, done.stderr.strip())
    done = week.run("auditor", "call", "Audit/ListAccess", '{"pageSize": 1001}')
    check(done.returncode == 2 and "page_size: 1001 is outside 0..1000" in done.stderr, done.stderr.strip())
    check(week.run("auditor", "audit", "access", "--caller", "nobody").stdout == "Nobody is on record.\n", "nobody's")


def check_pages(week):
    """One entry a page: no entry is left out, none comes twice."""
    whole, entries, request = audit(week, "--until", day(2)), [], {"pageSize": 1, "until": f"{day(2)}T00:00:00Z"}
    while True:
        page = json.loads(week.run("auditor", "call", "Audit/ListAccess", json.dumps(request)).stdout)
        entries += page.get("entries", [])
        if page.get("next", "0") == "0":
            break
        request["fromRecord"] = page["next"]
    check(entries == whole, f"{len(entries)} entries, page by page")


def finish_job(week, method, request):
    job = json.loads(week.run("operator", "call", method, json.dumps(request)).stdout)
    while job["state"] not in ("DONE", "FAILED"):
        time.sleep(0.05)
        job = json.loads(week.run("operator", "call", "Jobs/Get", json.dumps({"jobId": job["jobId"]})).stdout)
    check(job["state"] == "DONE" and int(job["acts"]) > 0, f"{method}: {job['acts']} records")


def check_retention(week):
    before = summed(audit(week, "--since", day(3), "--until", day(DAYS)))
    finish_job(week, "Keeping/StartPrune", {"before": f"{day(3)}T00:00:00Z", "allowUnderSixMonths": True})
    finish_job(week, "Keeping/StartErase", {"candidate": "m-1007", "reason": "asked"})
    pruned = [e for e in audit(week, "--until", day(3)) if e.get("kind") is None or e["kind"] == "ACCESS_KIND_UNSPECIFIED"]
    check(len(pruned) > 0 and not any(e.get("caller") for e in pruned), f"{len(pruned)} records are pruned, and name nobody")
    check(len(audit(week, "--until", day(3))) == len(pruned), "nothing else is left of that time")
    after = summed(audit(week, "--since", day(3), "--until", day(DAYS)))
    check("m-1007" not in json.dumps(audit(week, "--until", day(DAYS))), "an erased person's own calls don't name them")
    check(sum(after.values()) == sum(before.values()) and
          {k: v for k, v in after.items() if not k[0].startswith("erased-")} == {k: v for k, v in before.items() if k[0] != "m-1007"},
          "all else of what is younger is there")


def verify(week, what):
    done = week.run("auditor", "decisions", "verify")
    check(done.returncode == 0, f"{what}: decisions verify: {done.stdout}{done.stderr}")


def verify_file(file, *options):
    done = subprocess.run([leadfitd, "verify", "--db", file, *options], capture_output=True, text=True)
    check(done.returncode == 0, f"leadfitd verify: {os.path.basename(file)}: {done.stdout}{done.stderr}")


with tempfile.TemporaryDirectory(prefix="lf_week_", ignore_cleanup_errors=True) as folder:
    the_week = Week(folder)
    atexit.register(the_week.kill)
    for number in range(DAYS):
        the_week.start(MONDAY + datetime.timedelta(days=number))
        work(the_week, f"day-{number}")
        the_week.stop()
    the_week.start(MONDAY + datetime.timedelta(days=DAYS))
    check_trail(the_week)
    check_refusals(the_week)
    check_pages(the_week)
    verify(the_week, "the week")
    check_retention(the_week)
    verify(the_week, "pruned and erased")
    the_week.stop()
    verify_file(f"{folder}/log.db")
    verify_file(f"{folder}/backups/day-6.db")
sys.exit(failures != 0)
