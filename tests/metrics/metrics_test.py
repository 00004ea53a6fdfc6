#!/usr/bin/python3
"""What /metrics says: promtool finds nothing wrong with it, and each family moves when it should. A family that no claim is about
fails the test.

    metrics_test.py LEADFITD SOURCE_FOLDER

Debian's python3, for its gRPC. Exits with 77 where there is no promtool (Debian's package prometheus) or no h2load.
"""
import hashlib
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time

import exposed
from exposed import Claims, Leadfitd, check, wait_until
from tls_service import Authority, put
import tls_service as common
import answers_claims as answers
import calls_claims as calls

# Families without a claim, and why.
WITHOUT = {
    "leadfit_http_requests_given_up_total": "only when 48 MiB of requests are arriving: tests/http/h2_test.c",
}

leadfitd, source = (os.path.abspath(path) for path in sys.argv[1:3])
for tool in ("promtool", "h2load"):
    if shutil.which(tool) is None:
        print(f"skipped: there is no {tool}")
        sys.exit(77)
claims = Claims()


def folder(name):
    os.makedirs(f"{root.name}/{name}")
    return f"{root.name}/{name}"


def promtool(service, what):
    done = subprocess.run(["promtool", "check", "metrics"], input=service.scrape().text.encode(), capture_output=True)
    check(done.returncode == 0 and not done.stdout + done.stderr, f"promtool finds nothing wrong: {what}", (done.stdout + done.stderr).decode())


def a_service():
    own = folder("own")
    os.makedirs(f"{own}/backups")
    service = Leadfitd(leadfitd, own, "--listen", "tcp://127.0.0.1:0", "--connections", "3", "--workers", "2", "--backups", f"{own}/backups",
                       "--checkpoint-seconds", "1")
    tcp = service.port("tcp")
    promtool(service, "a service that was asked nothing")
    slow = calls.Slow(claims, service, tcp)
    calls.count_calls(claims, service)
    calls.count_streams(claims, service)
    answers.count_decisions(claims, service, source)
    answers.count_keeping(claims, service, source)
    answers.count_rubrics(claims, service, source)
    answers.show_log(claims, service, f"{own}/log.db")
    answers.show_process(claims, service, leadfitd)
    slow.end()
    calls.count_sizes(claims, service)
    calls.count_connections(claims, service, tcp)
    calls.count_what_waits(claims, service, source, 2)
    answers.reopen(claims, service)
    promtool(service, "one that was busy")
    check(claims.scrape(service).sum("leadfit_rpc_replies_not_sent_total") > 0, "replies that could not be sent were counted")
    claims.tell("leadfit_rpc_replies_not_sent_total")
    service.stop()


def a_service_with_callers():
    own = folder("callers")
    authority = Authority(own, "ca")
    certificate, key = authority.sign("own", days=5)
    hashed = {name: hashlib.sha256(f"{name}-token".encode()).hexdigest() for name in ("scorer", "slow", "narrow")}
    put(f"{own}/tokens", (f"scorer {hashed['scorer']} score\nslow {hashed['slow']} read requests_per_second=2\n"
                          f"narrow {hashed['narrow']} read in_flight=1\n").encode())
    service = Leadfitd(leadfitd, own, "--tokens", f"{own}/tokens", "--tls-certificate", certificate, "--tls-key", key)
    service.authority = authority.path
    calls.count_callers(claims, service)
    until = subprocess.run(["openssl", "x509", "-enddate", "-noout", "-in", certificate], capture_output=True, text=True, check=True).stdout
    seconds = time.mktime(time.strptime(until.strip(), "notAfter=%b %d %H:%M:%S %Y GMT")) - time.timezone
    def nonsense():
        peer = socket.create_connection(("127.0.0.1", service.http))
        peer.sendall(b"\x16\x03\x01\x00\x05hello")
        while peer.recv(4096):
            pass
        peer.close()
    claims.moves(service, "a handshake that is none", nonsense, ("leadfit_http_connections_closed_total", {"reason": "tls"}, 1))
    claims.shows(service, "when the certificate expires", "leadfit_tls_certificate_expiry_timestamp_seconds",
                 lambda e: e.sum("leadfit_tls_certificate_expiry_timestamp_seconds") == seconds)
    promtool(service, "one with TLS and tokens")
    service.stop()


def a_service_that_finds_faults():
    """On a log of which somebody has altered a team."""
    own = folder("altered")
    service = answers.altered(leadfitd, own, source, decisions=3)
    claims.moves(service, "decisions that come out differently", lambda: answers.go_through(service, "Audit/Replay", "fromSequence"),
                 ("leadfit_replayed_total", {"result": "different"}, 3))
    claims.moves(service, "a job that can't be done", lambda: answers.erase(service, "m-1007"), ("leadfit_jobs_total", {"result": "failed"}, 1))
    claims.shows(service, "the damage was met: it is not ready any more", "leadfit_log_ready", lambda e: e.sum("leadfit_log_ready") == 0)
    service.stop()


def a_service_that_nobody_reads():
    """Standard error is a small pipe, which is not read any more once the service is ready."""
    own = folder("unread")
    os.makedirs(f"{own}/backups")
    service = exposed.Unread(leadfitd, own, "--backups", f"{own}/backups")
    service.get("Keeping/Backup", {"name": "one.db"})
    claims.moves(service, "lines that nobody reads", lambda: [service.call("Keeping/Backup", {"name": "one.db"}) for _ in range(60)],
                 ("leadfit_events_unwritten_total", {}, None))
    service.stop()


def a_service_whose_disk_is_full():
    own = folder("full")
    try:
        service = Leadfitd(exposed.on_small_disk(leadfitd, own, 4), own)
    except SystemExit as failed:
        print(f"skipped: no small file system can be mounted here: {failed}")
        return
    other = exposed.fill(service)
    claims.moves(service, "a full disk", lambda: [service.call("Scoring/Score", answers.large_request(source, i)) for i in range(40)],
                 ("leadfit_log_commits_failed_total", {}, None))
    claims.shows(service, "it is not ready", "leadfit_log_ready leadfit_log_disk_free_bytes",
                 lambda e: e.sum("leadfit_log_ready") == 0 and e.sum("leadfit_log_disk_free_bytes") < 1 << 20)
    os.remove(other)
    claims.shows(service, "until there is room again", "leadfit_log_ready", lambda e: e.sum("leadfit_log_ready") == 1)
    service.stop()


root = tempfile.TemporaryDirectory(prefix="lf_metrics_")
a_service()
a_service_with_callers()
a_service_that_finds_faults()
a_service_that_nobody_reads()
a_service_whose_disk_is_full()
made = {(name, dict(labels).get("reason")) for name, labels in claims.moved}
for family in calls.REFUSED, calls.FAILED, "leadfit_http_connections_closed_total", "leadfit_nng_connections_closed_total":
    named = {reason for own, reason in calls.ELSEWHERE if own == family}
    caused = {reason for own, reason in made if own == family}
    there = claims.reasons[family]
    check(there == named | caused and not named & caused, f"{family}: each reason is caused, but for {sorted(named)}",
          f"there are {sorted(there)}; caused are {sorted(caused)}")
unknown = set(claims.families) - claims.told - set(WITHOUT)
check(not unknown, "there is a claim about each family", "none about " + " ".join(sorted(unknown)))
check(set(WITHOUT) <= set(claims.families) and not set(WITHOUT) & claims.told, "those without one are there, and have none")
root.cleanup()
sys.exit(common.failures != 0)
