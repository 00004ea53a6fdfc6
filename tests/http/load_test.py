#!/usr/bin/python3
"""Load by h2load over HTTP/2 and HTTP/1.1, while other peers read slowly or not at all, and break off in the middle. The calls
of h2load all succeed, health checks are answered, and the service ends well, which under sanitizers means: nothing was found.

    load_test.py LEADFITD SOURCE_FOLDER SECONDS [SANITIZERS]

SECONDS 0: a number of calls, however long they take, as in ctest. Ten minutes under each sanitizer in tests/long.sh.
"""
import random
import re
import socket
import struct
import subprocess
import sys
import threading
import time

import service as support
from frames import DESCRIBE, PREFACE, SETTINGS, WINDOW, call, frame
from health import Watch
from service import Service, check

leadfitd, source, seconds = sys.argv[1], sys.argv[2], float(sys.argv[3])
sanitized = len(sys.argv) > 4 and sys.argv[4] != ""
LIMIT_MIB = 128
PEERS = 12
METHOD = "leadfit.v1.Scoring/Score"


class SlowReaders(threading.Thread):
    """Of another address, so that its share is theirs alone: some take a few bytes at a time, some nothing, some go away."""

    def __init__(self, service):
        super().__init__(daemon=True)
        self.service, self.over, self.opened = service, threading.Event(), 0
        self.random = random.Random(1)
        self.start()

    def open(self, n):
        peer = socket.socket()
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        peer.bind(("127.0.0.2", 0))
        peer.connect((self.service.host, self.service.port))
        wide = struct.pack(">HI", 4, 2**31 - 1)
        peer.sendall(PREFACE + frame(SETTINGS, 0, 0, wide) + frame(WINDOW, 0, 0, struct.pack(">I", 2**31 - 1 - 65535)))
        peer.setblocking(False)
        self.opened += 1
        return {"peer": peer, "stream": 1, "rest": b"", "reads": n % 3 != 0}

    def turn(self, entry):
        if not entry["rest"]:
            entry["rest"] = b"".join(call(entry["stream"] + 2 * i, DESCRIBE) for i in range(8))
            entry["stream"] += 16
        try:
            entry["rest"] = entry["rest"][entry["peer"].send(entry["rest"]):]
        except BlockingIOError:
            pass
        if entry["reads"] and not entry["peer"].recv(100):
            raise ConnectionResetError

    def run(self):
        entries = [self.open(n) for n in range(PEERS)]
        while not self.over.wait(0.02):
            for n, entry in enumerate(entries):
                try:
                    self.turn(entry)
                    if self.random.random() < 0.002:
                        raise ConnectionResetError
                except BlockingIOError:
                    pass
                except OSError:
                    entry["peer"].close()
                    entries[n] = self.open(n)
        for entry in entries:
            entry["peer"].close()


def h2load(service, calls, *options):
    length = ["-D", f"{seconds:.0f}"] if seconds > 0 else ["-n", str(calls if sanitized else 20 * calls)]
    return subprocess.Popen(
        ["h2load", "-t", "1", *length, "-d", f"{source}/service/examples/request.json", "-H", "content-type: application/json",
         *options, f"http://{service.http}/{METHOD}"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def succeeded(name, text):
    done = re.search(r"(\d+) done, (\d+) succeeded", text)
    codes = re.search(r"status codes: (\d+) 2xx, 0 3xx, 0 4xx, 0 5xx", text)
    check(done and int(done[1]) > 0 and done[1] == done[2] and codes, f"{name}: every call succeeded: {done and done[1]}")
    if not codes:
        print(text)


service = Service(leadfitd)
watch, slow = Watch(service), SlowReaders(service)
loads = {}
try:
    loads["HTTP/2"] = h2load(service, 400, "-c", "4", "-m", "16")
    loads["HTTP/1.1"] = h2load(service, 80, "--h1", "-c", "4", "-m", "1")
    said = {name: load.communicate(timeout=seconds + 600)[0] for name, load in loads.items()}
finally:
    for load in loads.values():
        load.kill()
    slow.over.set()
    slow.join()
    watch.end("under load")
    peak = service.peak_mib()
    service.end()
for name, text in said.items():
    succeeded(name, text)
check(slow.opened >= PEERS, f"slow readers were there meanwhile: {slow.opened} connections")
if not sanitized:
    check(peak < LIMIT_MIB, f"memory stays below {LIMIT_MIB} MiB: {peak:.0f}")
sys.exit(support.failures != 0)
