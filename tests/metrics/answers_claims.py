"""Claims about answers, the log, files and the process."""
import copy
import json
import os
import re
import resource
import sqlite3
import subprocess
import time

from exposed import PATIENCE, Leadfitd, check, wait_until

DECISIONS = "leadfit_decisions_total"


def request(source, **changes):
    with open(f"{source}/service/examples/request.json", encoding="utf-8") as file:
        return {**json.load(file), **changes}


def large_request(source, number):
    """Of a team of its own, of some 60 KB."""
    ask = request(source)
    ask["team"]["id"] = f"large-{number}"
    for member in ask["team"]["members"]:
        for evidence in member.get("evidence", ()):
            evidence["note"] = "n" * 3000
    return ask


def count_decisions(claims, service, source):
    ask = request(source)
    unknown = copy.deepcopy(ask)
    unknown["team"] = {"id": "nobody-knows-them", "members": [{"id": "m-1"}, {"id": "m-2"}]}

    def score(body):
        return lambda: service.get("Scoring/Score", body)
    own = {"rubric": "tech-lead", "outcome": "recommended"}
    claims.moves(service, "a decision", score(ask),
                 (DECISIONS, {**own, "purpose": "decision"}, 1), ("leadfit_score_duration_seconds_count", {}, 1),
                 ("leadfit_evidence_share_count", {}, 1), ("leadfit_first_rank_share_count", {}, 1),
                 ("leadfit_log_commit_duration_seconds_count", {}, 1), ("leadfit_log_sync_duration_seconds_count", {}, 1),
                 ("leadfit_log_commit_records_sum", {}, 1), ("leadfit_log_records", {}, 1))
    claims.moves(service, "what would be", score({**ask, "purpose": "WHAT_IF"}), (DECISIONS, {**own, "purpose": "what_if"}, 1))
    claims.moves(service, "too little is known", score(unknown), (DECISIONS, {"outcome": "insufficient_evidence"}, 1),
                 ("leadfit_evidence_share_bucket", {"le": "0.1"}, 1))
    service.get("Scoring/Score", {**ask, "idempotencyKey": "once"})
    claims.moves(service, "a decision that is there already", score({**ask, "idempotencyKey": "once"}),
                 ("leadfit_idempotent_replays_total", {}, 1), (DECISIONS, {}, 0))
    another = {**ask, "team": {**ask["team"], "id": "another"}}
    claims.moves(service, "a team that was not sent before", score(another), ("leadfit_team_cache_misses_total", {}, 1))
    score(another)()  # the second time it is kept
    claims.moves(service, "a team that is kept", score(another), ("leadfit_team_cache_hits_total", {}, 1), ("leadfit_team_cache_misses_total", {}, 0))
    claims.shows(service, "teams are kept", "leadfit_team_cache_teams leadfit_team_cache_bytes",
                 lambda e: e.sum("leadfit_team_cache_teams") >= 1 and e.sum("leadfit_team_cache_bytes") > 1000)
    share = claims.scrape(service)
    answer = service.get("Scoring/Score", ask)
    stored = claims.scrape(service).sum("leadfit_evidence_share_sum") - share.sum("leadfit_evidence_share_sum")
    check(abs(stored - answer["evidenceShare"]) <= 0.001, "the evidence share is what the answer says", f"{stored}, {answer['evidenceShare']}")


def rubric_named(source, name):
    """The smallest rubric there is."""
    return {"name": name, "title": "Another", "scale": {"min": 1, "max": 5},
            "criteria": [{"id": "c", "title": "Criterion", "weight": {"base": 1}}]}


def count_rubrics(claims, service, source):
    ask = {"team": {"id": "t", "members": [{"id": "m-1"}, {"id": "m-2"}]}, "project": {"id": "p"}}
    odd = 'quotes " backslash \\ and } = , #'
    service.get("Rubrics/Put", {"rubric": rubric_named(source, odd)})
    changes, active = "leadfit_rubric_changes_total", "leadfit_rubric_active_info"
    claims.moves(service, "an activation", lambda: service.get("Rubrics/Activate", {"name": odd}),
                 (changes, {}, 1), (active, {"rubric": odd, "default": "0"}, 1))
    claims.moves(service, "one that changes nothing", lambda: service.get("Rubrics/Activate", {"name": odd}), (changes, {}, 0))
    claims.moves(service, "a rubric's name is escaped", lambda: service.get("Scoring/Score", {**ask, "rubric": odd}), (DECISIONS, {"rubric": odd}, 1))
    claims.moves(service, "a new default", lambda: service.get("Rubrics/SetDefault", {"name": odd}),
                 (changes, {}, 1), (active, {"rubric": odd, "default": "1"}, 1), (active, {"rubric": odd, "default": "0"}, -1))
    service.get("Rubrics/SetDefault", {"name": "tech-lead"})
    claims.moves(service, "a deactivation", lambda: service.get("Rubrics/Deactivate", {"name": odd}),
                 (changes, {}, 1), (active, {"rubric": odd}, -1))
    status, answer = service.call("Rubrics/Put", {"rubric": rubric_named(source, "two\nlines")})
    check(status == 400 and "control character" in json.dumps(answer), "a name with a line end is no rubric's")
    for i in range(3, 33):
        service.get("Rubrics/Put", {"rubric": rubric_named(source, f"r{i}"), "activate": True})
        service.get("Scoring/Score", {**ask, "rubric": f"r{i}"})
    check(len(claims.scrape(service).values(DECISIONS, "rubric")) == 32, "32 rubrics have their name")
    service.get("Rubrics/Put", {"rubric": rubric_named(source, "r33"), "activate": True})
    claims.moves(service, "the 33rd has none", lambda: service.get("Scoring/Score", {**ask, "rubric": "r33"}), (DECISIONS, {"rubric": ""}, 1))
    check("r33" not in claims.scrape(service).values(DECISIONS, "rubric"), "its name is nowhere there")


def go_through(service, method, at, body=None):
    """Calls it until next is 0. The answers."""
    answers, body = [], dict(body or {})
    while True:
        answers.append(service.get(method, body))
        if int(answers[-1].get("next", 0)) == 0:
            return answers
        body[at] = answers[-1]["next"]
        if "size" in answers[-1]:
            body["size"] = answers[-1]["size"]


def job_ends(service, job):
    def ended():
        now = service.get("Jobs/Get", {"jobId": job["jobId"]})
        return now if now.get("state") in ("DONE", "FAILED") else None
    return wait_until(ended, "the job ends")


def erase(service, candidate):
    return job_ends(service, service.get("Keeping/StartErase", {"candidate": candidate, "reason": "they asked"}))


def altered(leadfitd, folder, source, decisions):
    """A service on a log of so many decisions about one team, which somebody has altered."""
    service = Leadfitd(leadfitd, folder)
    for _ in range(decisions):
        service.get("Scoring/Score", request(source))
    service.stop()
    database = sqlite3.connect(f"{folder}/log.db")
    database.execute("UPDATE payload SET body = x'ffff' WHERE id = (SELECT max(team_payload) FROM decision)")
    database.commit()
    database.close()
    return Leadfitd(leadfitd, folder)


def count_keeping(claims, service, source):
    decision = service.get("Scoring/Score", request(source))
    claims.moves(service, "what became of a decision", lambda: service.get("Decisions/RecordOutcome", {
        "decisionId": decision["decisionId"], "disposition": "ACCEPTED"}), ("leadfit_outcomes_total", {}, 1))
    replayed = sum(int(a.get("same", 0)) for a in go_through(service, "Audit/Replay", "fromSequence"))
    claims.moves(service, "decisions that come out the same", lambda: go_through(service, "Audit/Replay", "fromSequence"),
                 ("leadfit_replayed_total", {"result": "same"}, replayed), ("leadfit_replayed_total", {"result": "different"}, 0))
    claims.moves(service, "a backup", lambda: service.get("Keeping/Backup", {"name": "one.db"}), ("leadfit_backups_total", {"result": "done"}, 1),
                 ("leadfit_events_total", {"event": "backup_made", "level": "info"}, 1))
    claims.moves(service, "a backup that can't be made", lambda: service.call("Keeping/Backup", {"name": "one.db"}),
                 ("leadfit_backups_total", {"result": "failed"}, 1), ("leadfit_events_total", {"event": "backup_failed"}, 1))
    go_through(service, "Audit/Verify", "first")
    for what in ("backup", "verify"):
        name = f"leadfit_{what}_last_success_timestamp_seconds"
        claims.shows(service, f"when the last {what} was", name, lambda e, name=name: abs(e.sum(name) - time.time()) < PATIENCE)
    claims.moves(service, "an erasure", lambda: erase(service, "m-1042"),
                 ("leadfit_jobs_total", {"result": "done"}, 1))


def show_log(claims, service, database):
    claims.shows(service, "the log is ready", "leadfit_log_ready leadfit_log_failed leadfit_log_commits_failed_total",
                 lambda e: (e.sum("leadfit_log_ready"), e.sum("leadfit_log_failed"), e.sum("leadfit_log_commits_failed_total")) == (1, 0, 0))
    free = os.statvfs(database)
    claims.shows(service, "nobody else writes it", "leadfit_log_durable_age_seconds leadfit_log_clock_apart_seconds",
                 lambda e: (e.sum("leadfit_log_durable_age_seconds"), e.sum("leadfit_log_clock_apart_seconds")) == (0, 0))
    claims.shows(service, "sizes are those of the files", "leadfit_log_bytes leadfit_log_wal_bytes leadfit_log_disk_free_bytes",
                 lambda e: e.sum("leadfit_log_bytes") == os.stat(database).st_size and e.sum("leadfit_log_wal_bytes") == os.stat(database + "-wal").st_size
                 and abs(e.sum("leadfit_log_disk_free_bytes") - free.f_bavail * free.f_frsize) < free.f_blocks * free.f_frsize / 4)
    claims.shows(service, "what there is is signed after a while", "leadfit_checkpoint_records leadfit_checkpoint_timestamp_seconds leadfit_log_records",
                 lambda e: e.sum("leadfit_checkpoint_records") == e.sum("leadfit_log_records") > 0
                 and abs(e.sum("leadfit_checkpoint_timestamp_seconds") - time.time()) < PATIENCE)


def show_process(claims, service, leadfitd):
    version = subprocess.run([leadfitd, "--version"], capture_output=True, text=True, check=True).stdout.split()[1]
    claims.shows(service, "which release it is", "leadfit_build_info", lambda e: e.sum("leadfit_build_info", version=version) == 1)

    def status(name):
        with open(f"/proc/{service.pid}/status", encoding="utf-8") as file:
            return int(re.search(rf"{name}:\s*(\d+)", file.read()).group(1)) * 1024
    for name, field in (("resident", "VmRSS"), ("virtual", "VmSize")):
        claims.shows(service, f"{name} memory is what /proc says", f"process_{name}_memory_bytes",
                     lambda e, name=name, field=field: 0.8 < e.sum(f"process_{name}_memory_bytes") / status(field) < 1.25)
    started = os.stat(f"/proc/{service.pid}").st_mtime
    claims.shows(service, "when it was started", "process_start_time_seconds", lambda e: abs(e.sum("process_start_time_seconds") - started) < 3)
    claims.shows(service, "CPU time goes on", "process_cpu_seconds_total", lambda e, least=service.scrape().sum("process_cpu_seconds_total"):
                 e.sum("process_cpu_seconds_total") > least)
    soft, _ = resource.prlimit(service.pid, resource.RLIMIT_NOFILE)
    claims.shows(service, "how many files it may have open", "process_max_fds", lambda e: e.sum("process_max_fds") == soft)
    few = claims.scrape(service).sum("process_open_fds")
    peers = [service.nng() for _ in range(8)]
    claims.shows(service, "and how many it has", "process_open_fds", lambda e: few + 8 <= e.sum("process_open_fds") < few + 16)
    for peer in peers:
        peer.close()


def reopen(claims, service):
    claims.moves(service, "a socket that is gone is opened again", lambda: os.remove(service.url[len("ipc://"):]),
                 ("leadfit_nng_listener_reopened_total", {}, 1), ("leadfit_events_total", {"event": "listener_reopened", "level": "warning"}, 1))
