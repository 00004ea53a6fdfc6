#!/usr/bin/python3
"""Requests over TLS while the certificate and the tokens are replaced every second: none is lost, none is wrong, memory is flat.

    tls_reload.py [--requests N] [--seconds S] [--build DIR]

Starts leadfitd of DIR (default: build/release) on a new log in a new folder, and has h2load (Debian: nghttp2-client) send
N requests (default 1,000,000) of Decisions/List with a token, in rounds of new connections, for S seconds at most (default: as long as it
takes); a Score is stored first, so that there is something to list. h2load counts a gRPC error as success, for its HTTP status is 200: but
its reply is shorter, so all bytes together must be those of N right replies. Beside it the certificate that is shown is looked at with each
reload. Debian's python3, for its gRPC. Exits with 1 where something was lost or wrong.
"""
import argparse
import hashlib
import os
import re
import shutil
import ssl
import socket
import subprocess
import sys
import tempfile
import threading
import time

here = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(here, "../http"))
from tls_service import Authority, Channel, Service, message, put  # noqa: E402

parser = argparse.ArgumentParser()
parser.add_argument("--requests", type=int, default=1_000_000)
parser.add_argument("--seconds", type=float, default=1e9)
parser.add_argument("--round", type=int, default=20_000)
parser.add_argument("--build", default=os.path.join(here, "../../build/release"))
options = parser.parse_args()
source = os.path.join(here, "../..")
if shutil.which("h2load") is None:
    sys.exit("h2load is missing: apt-get install nghttp2-client")
METHOD = "leadfit.v1.Decisions/List"
SCORE = """
team { id: "t" members { id: "m-1" discipline: "BACKEND" evidence { criterion: "architecture" rating { value: 4 } source: "PEER" } }
       members { id: "m-2" discipline: "FRONTEND" evidence { criterion: "interaction" rating { value: 3 } source: "PEER" } } }
project { id: "p" }
"""


class Renewal(threading.Thread):
    """Replaces both files and reloads, each second."""

    def __init__(self, service, port):
        super().__init__()
        self.service, self.port, self.count, self.wrong, self.done = service, port, 0, [], threading.Event()

    def shown(self):
        context = ssl.create_default_context(cafile=ca.path)
        with socket.create_connection(("127.0.0.1", self.port), 60) as plain:
            with context.wrap_socket(plain, server_hostname="localhost") as secure:
                return hashlib.sha256(secure.getpeercert(binary_form=True)).digest()

    def run(self):
        while not self.done.wait(1):
            pair = pairs[self.count % 2]
            put(own, *pair)
            put(tokens, (caller + f"other{self.count} {hashlib.sha256(str(self.count).encode()).hexdigest()} read\n").encode())
            line = self.service.reload()
            self.count += 1
            if not line.startswith("reloaded: "):
                self.wrong.append(line)
            with open(pair[0], encoding="ascii") as file:
                if self.shown() != hashlib.sha256(ssl.PEM_cert_to_DER_cert(file.read())).digest():
                    self.wrong.append("another certificate is shown than the one that was loaded")


def load(port, count, request):
    """Sends so many. Returns how many succeeded by HTTP, the bytes of their replies, and requests a second."""
    done = subprocess.run(["h2load", "-n", str(count), "-c", "8", "-m", "8", "--npn-list=h2", "-d", request, "-H", "content-type: application/grpc",
                           "-H", "te: trailers", "-H", "authorization: Bearer token", f"https://127.0.0.1:{port}/{METHOD}"],
                          capture_output=True, text=True, check=True, timeout=600)
    succeeded = int(re.search(r"(\d+) succeeded", done.stdout).group(1))
    data = int(re.search(r"headers \(space savings .*?\), \S+ \((\d+)\) data", done.stdout).group(1))
    return succeeded, data, float(re.search(r"([\d.]+) req/s", done.stdout).group(1))


folder = tempfile.mkdtemp(prefix="leadfit-reload.")
ca = Authority(folder, "ca")
pairs = [ca.sign("first"), ca.sign("second")]
own, tokens = f"{folder}/own.pem", f"{folder}/tokens"
caller = f"bench {hashlib.sha256(b'token').hexdigest()} read,score\n"
put(own, *pairs[1])
put(tokens, caller.encode())
service = Service(os.path.join(options.build, "bin/leadfitd"), folder, "--http", "127.0.0.1:0", "--tls-certificate", own, "--tokens", tokens)
failed = False
try:
    port = service.port("https")
    channel = Channel(port, ca.path)
    channel.call("leadfit.v1.Scoring/Score", message(source, "ScoreRequest", SCORE), token="token")
    right = channel.call(METHOD, token="token")
    channel.close()
    if not isinstance(right, bytes):
        sys.exit("Decisions/List: " + right)
    request = f"{folder}/request"
    with open(request, "wb") as file:
        file.write(b"\0\0\0\0\0")
    load(port, options.round, request)
    renewal, sent, lost, rates, residents = Renewal(service, port), 0, 0, [], [service.resident_kib()]
    renewal.start()
    until = time.monotonic() + options.seconds
    while sent < options.requests and time.monotonic() < until:
        count = min(options.round, options.requests - sent)
        succeeded, data, rate = load(port, count, request)
        lost += count - succeeded
        if data != count * (5 + len(right)):
            print(f"{data} bytes of replies are not {count} × {5 + len(right)}")
            failed = True
        sent += count
        rates.append(rate)
        residents.append(service.resident_kib())
    renewal.done.set()
    renewal.join()
    failed = failed or lost != 0 or bool(renewal.wrong)
    rates.sort()
    print(f"{sent} requests of {5 + len(right)} bytes' reply, {lost} lost; {renewal.count} reloads, wrong: {renewal.wrong or 'none'}")
    print(f"requests/s: median {rates[len(rates) // 2]:.0f}, {rates[0]:.0f} to {rates[-1]:.0f}")
    print(f"resident KiB: {residents[0]} before, {residents[-1]} after, {max(residents)} at most; "
          f"by tenths {' '.join(str(residents[i * (len(residents) - 1) // 10]) for i in range(11))}")
    service.process.terminate()
    failed = failed or service.process.wait(60) != 0
finally:
    service.kill()
    shutil.rmtree(folder, ignore_errors=True)
sys.exit(failed)
