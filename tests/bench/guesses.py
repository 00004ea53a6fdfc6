#!/usr/bin/env python3
"""A stranger who guesses tokens at full speed: what that costs on disk, in log lines, and in metrics.

    guesses.py [--seconds S] [--threads N] [--build DIR]

Starts leadfitd of DIR (default: build/release) with tokens on a new log, and sends Connect calls with wrong tokens over HTTP/1.1,
each over a connection of its own, as the service closes one after a wrong token. Prints what there was before and after: bytes of
the log and of what is beside it, records, lines and bytes on standard error, and what /metrics says. Loopback alone.
"""
import argparse
import hashlib
import http.client
import os
import re
import sys
import threading
import time

here = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(here, "../http"))
from service import Service  # noqa: E402

parser = argparse.ArgumentParser()
parser.add_argument("--seconds", type=float, default=60)
parser.add_argument("--threads", type=int, default=8)
parser.add_argument("--build", default=os.path.join(here, "../../build/release"))
options = parser.parse_args()

tokens = f"/tmp/leadfit-guesses.{os.getpid()}"
with open(os.open(tokens, os.O_CREAT | os.O_WRONLY, 0o600), "w") as file:
    file.write(f"reader {hashlib.sha256(b'right').hexdigest()} read\n")
service = Service(os.path.abspath(f"{options.build}/bin/leadfitd"), "--tokens", tokens)


def metrics():
    connection = http.client.HTTPConnection(service.host, service.port, timeout=60)
    connection.request("GET", "/metrics", headers={"authorization": "Bearer right"})
    text = connection.getresponse().read().decode()
    connection.close()
    return {name: float(value) for name, value in re.findall(r"^(\S+) (\S+)$", text, re.M)}


def on_disk():
    return sum(os.path.getsize(os.path.join(folder, name)) for folder, _, names in os.walk(service.folder)
               for name in names if name != "said" and not name.startswith("nng") and name != "http")


def state():
    found = metrics()
    return {"bytes on disk": on_disk(), "records of the log": found["leadfit_log_records"],
            "lines on standard error": service.text().count("\n"), "bytes on standard error": len(service.text()),
            "resident bytes": found["process_resident_memory_bytes"],
            'auth_failures{reason="wrong_token"}': found['leadfit_auth_failures_total{reason="wrong_token"}'],
            'events{event="request_denied"}': found['leadfit_events_total{event="request_denied",level="warning"}'],
            'events_left_out{event="request_denied"}': found.get('leadfit_events_left_out_total{event="request_denied"}', 0.0)}


answers = [0] * options.threads
refused = [0] * options.threads
end = time.monotonic() + options.seconds


def guess(index):
    while time.monotonic() < end:
        try:
            connection = http.client.HTTPConnection(service.host, service.port, timeout=60)
            connection.request("POST", "/leadfit.v1.Decisions/List", b"{}",
                               {"content-type": "application/json", "authorization": f"Bearer {index}-{answers[index]}"})
            answers[index] += connection.getresponse().status == 401
        except OSError:
            refused[index] += 1
        connection.close()


time.sleep(2)
before = state()
threads = [threading.Thread(target=guess, args=(index,)) for index in range(options.threads)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
time.sleep(2)
after = state()
print(f"{sum(answers)} guesses were answered 401 in {options.seconds:.0f} s, {sum(refused)} got no connection")
for name in before:
    print(f"{name}: {before[name]:.0f} -> {after[name]:.0f}")
service.end()
os.unlink(tokens)
wrong = sum(answers) > after['auth_failures{reason="wrong_token"}'] or after["records of the log"] != before["records of the log"]
sys.exit("the log has grown, or guesses were not counted" if wrong else 0)
