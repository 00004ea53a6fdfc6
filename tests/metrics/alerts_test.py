#!/usr/bin/python3
"""Each alert of service/deploy/prometheus fires where its cause is made: a real Prometheus, a real leadfitd, "for" shortened.

    alerts_test.py LEADFITD SOURCE_FOLDER

Debian's python3, for its gRPC. Exits with 77 where there is no Prometheus (Debian's package prometheus) or no h2load.
"""
import http.client
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading

import exposed
from exposed import PATIENCE, Busy, Leadfitd, check, wait_until
from tls_service import Authority, put
from prometheus import Prometheus
import tls_service as common
import answers_claims as answers

leadfitd, source = (os.path.abspath(path) for path in sys.argv[1:3])
deploy = f"{source}/service/deploy/prometheus"
root = tempfile.TemporaryDirectory(prefix="lf_alerts_")

# Alerts whose cause can't be made here: leadfit.tests.yml alone has them.
ELSEWHERE = {
    "LeadfitEvidenceDrift": "it takes eight days",
    "LeadfitBackupOld": "it takes 26 hours",
}


def promtool(*words):
    done = subprocess.run(["promtool", *words], cwd=deploy, capture_output=True, text=True)
    check(done.returncode == 0, "promtool " + " ".join(words), done.stdout + done.stderr)


if shutil.which("promtool") is None or shutil.which("h2load") is None:
    print("skipped: there is no promtool, or no h2load")
    sys.exit(77)
promtool("check", "rules", "leadfit.rules.yml")
promtool("check", "config", "prometheus.yml")
promtool("test", "rules", "leadfit.tests.yml")
with open(f"{deploy}/leadfit.rules.yml", encoding="utf-8") as file:
    rules = file.read()
alerts = set(re.findall(r"- alert: (\w+)", rules))
with open(f"{deploy}/leadfit.tests.yml", encoding="utf-8") as file:
    tested = set(re.findall(r'alertname="(\w+)", alertstate="firing", severity', file.read()))
check(alerts == tested, "leadfit.tests.yml has each alert fire", " ".join(sorted(alerts ^ tested)))
with open(f"{source}/service/OPERATING.md", encoding="utf-8") as file:
    anchors = {heading.lower() for heading in re.findall(r"^#+ (Leadfit\w+)$", file.read(), re.M)}
check({name.lower() for name in alerts} == anchors, "OPERATING.md has a heading for each alert, and for no other")
links = re.findall(r"runbook_url: service/OPERATING\.md#(\w+)", rules)
check(sorted(links) == sorted(name.lower() for name in alerts), "each alert leads to its own")

prometheus = Prometheus(rules)
fired = set()


def folder(name):
    os.makedirs(f"{root.name}/{name}")
    return f"{root.name}/{name}"


def fires(alert, instance):
    def holds():
        now = prometheus.firing(instance=instance)
        fired.update(now)
        return alert in now
    wait_until(holds, f"{alert} fires")
    check(True, f"{alert} fires")


def quiet(instance, what, *but):
    now = prometheus.firing(instance=instance) - set(but)
    check(not now, what, " ".join(sorted(now)))


def repeat(act, until):
    """act() again and again, as long as until() runs."""
    over = threading.Event()

    def run():
        while not over.is_set():
            act()
    thread = threading.Thread(target=run)
    thread.start()
    try:
        until()
    finally:
        over.set()
        thread.join()


def of_one_that_is_well():
    own = folder("own")
    os.makedirs(f"{own}/backups")
    service = Leadfitd(leadfitd, own, "--backups", f"{own}/backups", "--checkpoint-seconds", "1", "--http", f"unix:{own}/http")
    prometheus.scrape("own", service)
    for _ in range(20):
        service.get("Scoring/Score", answers.request(source))
    service.get("Keeping/Backup", {"name": "one.db"})
    prometheus.wait_scrapes(12)
    quiet("own", "a service that is well has no alert", "LeadfitDiskFilling")  # others write to this disk, too

    service.call("Keeping/Backup", {"name": "one.db"})
    fires("LeadfitBackupFailed", "own")
    os.remove(f"{own}/socket")
    fires("LeadfitListenerReopened", "own")
    connection = http.client.HTTPConnection("127.0.0.1", service.http, timeout=PATIENCE)
    for _ in range(400):
        connection.request("POST", "/leadfit.v1.Keeping/Backup", b'{"name":"one.db"}', {"content-type": "application/json"})
        connection.getresponse().read()
    connection.close()
    fires("LeadfitLinesLeftOut", "own")
    with Busy(service, source, connections=8, requests=250), Busy(service, source, connections=8, requests=250, path=f"{own}/http"):
        fires("LeadfitRefusing", "own")
        fires("LeadfitSaturated", "own")
        check("LeadfitDown" not in prometheus.firing(instance="own"), "it can be scraped when nothing else goes in")
    service.stop()
    fires("LeadfitDown", "own")


def of_one_with_tokens():
    own = folder("callers")
    authority = Authority(own, "ca")
    put(f"{own}/tokens", b"reader " + b"0" * 64 + b" read\n")
    for name, days, alert in ("soon", 10, "LeadfitCertificateExpiring"), ("now", 1, "LeadfitCertificateExpires"):
        certificate, key = authority.sign(name, days=days)
        service = Leadfitd(leadfitd, folder(name), "--tokens", f"{own}/tokens", "--tls-certificate", certificate, "--tls-key", key)
        prometheus.scrape(name, service)
        fires(alert, name)
        quiet(name, "and no other", alert)
        if name == "now":
            repeat(lambda: service.call("Decisions/List", token="guess"), lambda: fires("LeadfitAuthFailures", name))
        service.stop()


def of_one_that_was_altered():
    own = folder("altered")
    service = answers.altered(leadfitd, own, source, decisions=3)
    prometheus.scrape("altered", service)
    answers.go_through(service, "Audit/Replay", "fromSequence")
    fires("LeadfitReplayDiffers", "altered")
    answers.erase(service, "m-1007")
    fires("LeadfitJobFailed", "altered")
    fires("LeadfitNotReady", "altered")
    decision = service.get("Decisions/List")["decisions"][0]["decisionId"]
    repeat(lambda: service.call("Decisions/Get", {"decisionId": decision}), lambda: fires("LeadfitErrors", "altered"))
    service.stop()


def of_one_whose_disk_is_full():
    own = folder("full")
    try:
        service = Leadfitd(exposed.on_small_disk(leadfitd, own, 64), own)
    except SystemExit as failed:
        print(f"skipped: no small file system can be mounted here: {failed}")
        ELSEWHERE.update({alert: "no small file system" for alert in ("LeadfitDiskNearlyFull", "LeadfitDiskFilling", "LeadfitLogFailed")})
        return
    prometheus.scrape("full", service)
    fires("LeadfitDiskNearlyFull", "full")
    exposed.fill(service)
    fires("LeadfitDiskFilling", "full")
    for i in range(200):
        if service.call("Scoring/Score", answers.large_request(source, i))[0] != 200:
            break
    fires("LeadfitLogFailed", "full")
    service.stop()


def of_one_that_can_not_sign():
    """The folder in which the directory of the checkpoints should be made is not there."""
    own = folder("unsigned")
    service = Leadfitd(leadfitd, own, "--checkpoint-seconds", "1", "--checkpoints", f"{own}/absent/kept")
    prometheus.scrape("unsigned", service)
    service.get("Scoring/Score", answers.request(source))
    fires("LeadfitCheckpointLag", "unsigned")
    service.stop()


def of_one_on_a_slow_disk():
    """strace, beside the service (-D), has each fdatasync take half a second longer."""
    own = folder("slow")
    script = f"{own}/start"
    trace = "strace -D -f -qq -o /dev/null -e trace=fdatasync,fsync -e inject=fdatasync,fsync:delay_exit=500000"
    if subprocess.run([*trace.split(), "true"], capture_output=True).returncode != 0:
        print("skipped: there is no strace here, or it may not trace")
        ELSEWHERE["LeadfitSlowCommits"] = "no strace"
        return
    exposed.write_script(script, f'exec {trace} {leadfitd} "$@"')
    service = Leadfitd(script, own)
    prometheus.scrape("slow", service)
    repeat(lambda: service.get("Scoring/Score", answers.request(source)), lambda: fires("LeadfitSlowCommits", "slow"))
    service.stop()


for part in (of_one_that_is_well, of_one_with_tokens, of_one_that_was_altered, of_one_whose_disk_is_full, of_one_that_can_not_sign,
             of_one_on_a_slow_disk):
    part()
prometheus.stop()
check(alerts - fired == set(ELSEWHERE), f"each alert has fired, but for {sorted(ELSEWHERE)}", " ".join(sorted((alerts - fired) ^ set(ELSEWHERE))))
root.cleanup()
sys.exit(common.failures != 0)
