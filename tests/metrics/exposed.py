"""A leadfitd whose /metrics is read, and calls of it, for the tests of this folder."""
import atexit
import errno
import fcntl
import http.client
import json
import os
import re
import socket
import subprocess
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "http"))
from tls_service import PATIENCE, Nng, Service, check, wait_until  # noqa: E402
import tls_service as common  # noqa: E402

SAMPLE = re.compile(r'([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)')
LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)"(?:,|$)')
ESCAPED = {"\\\\": "\\", '\\"': '"', "\\n": "\n"}


class Exposed:
    """What one scrape gave: families by name and type, samples by name and labels."""

    def __init__(self, text):
        self.text, self.families, self.samples = text, {}, {}
        for line in text.splitlines():
            if line.startswith("# TYPE "):
                _, _, name, kind = line.split(" ")
                self.families[name] = kind
            elif not line.startswith("#"):
                name, labels, value = SAMPLE.fullmatch(line).groups()
                pairs = LABEL.findall(labels or "")
                found = frozenset((key, re.sub(r"\\.", lambda match: ESCAPED[match.group(0)], text)) for key, text in pairs)
                assert (name, found) not in self.samples, line + " is there twice"
                self.samples[name, found] = float(value)

    def sum(self, name, **labels):
        """Of all samples that have these labels; those of a histogram by NAME_count, NAME_sum and NAME_bucket."""
        return sum(value for (own, found), value in self.samples.items() if own == name and found >= set(labels.items()))

    def values(self, family, label):
        return {dict(found)[label] for (name, found) in self.samples if name == family and label in dict(found)}


class Leadfitd(Service):
    """Listens on ipc://FOLDER/socket and over HTTP on loopback."""

    def __init__(self, leadfitd, folder, *options):
        super().__init__(leadfitd, folder, "--http", "127.0.0.1:0", *options)
        atexit.register(self.process.kill)  # where a claim has failed
        self.folder = folder
        self.scheme = "https" if "https://" in self.text() else "http"
        self.http = self.port(self.scheme)

    def ask(self, path, body=None, headers=(), method=None):
        """One request of HTTP/1.1 without TLS: status, headers, body."""
        connection = http.client.HTTPConnection("127.0.0.1", self.http, timeout=PATIENCE)
        try:
            connection.request(method or ("GET" if body is None else "POST"), path, body, dict(headers))
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read()
        finally:
            connection.close()

    def call(self, method, request=None, token=None):
        """By Connect, in JSON: status and answer."""
        headers = {"content-type": "application/json"}
        if token:
            headers["authorization"] = "Bearer " + token
        status, _, body = self.ask("/leadfit.v1." + method, json.dumps(request or {}), headers)
        return status, json.loads(body)

    def get(self, method, request=None, token=None):
        status, answer = self.call(method, request, token)
        assert status == 200, f"{method}: {status} {answer}"
        return answer

    def scrape(self):
        status, _, body = self.ask("/metrics")
        assert status == 200, f"/metrics: {status} {body}"
        return Exposed(body.decode())

    def nng(self):
        return Nng(self.url[len("ipc://"):])


class Unread(Leadfitd):
    """Its standard error is a pipe of 4 KiB that nobody reads once the service is ready."""

    def __init__(self, leadfitd, folder, *options):
        pipe, script = f"{folder}/pipe", f"{folder}/start"
        os.mkfifo(pipe)
        self.pipe, self.heard = os.open(pipe, os.O_RDWR | os.O_NONBLOCK), ""
        fcntl.fcntl(self.pipe, 1031, 4096)  # F_SETPIPE_SZ
        write_script(script, f'exec {leadfitd} "$@" 2>{pipe}')
        super().__init__(script, folder, *options)

    def text(self):
        try:
            if " ready: " not in self.heard:
                self.heard += os.read(self.pipe, 4096).decode()
        except BlockingIOError:
            pass
        return self.heard


def write_script(path, line):
    with open(path, "w", encoding="utf-8") as file:
        file.write(f"#!/bin/sh\n{line}\n")
    os.chmod(path, 0o700)


def on_small_disk(leadfitd, folder, mib):
    """A program that starts leadfitd with a file system of this size on the folder, which it alone sees. May be unable to."""
    script = f"{folder}/start"
    user = "" if os.geteuid() == 0 else "-r"
    write_script(script, f"exec unshare {user} -m sh -c 'mount -t tmpfs -o size={mib}m,mode=700 lf {folder} && exec \"$@\"' sh {leadfitd} \"$@\"")
    return script


def fill(service):
    """Takes all the room on the small disk of a service. Returns the file that does."""
    path = f"/proc/{service.pid}/root{service.folder}/other"
    with open(path, "wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError as error:
            assert error.errno == errno.ENOSPC, error
    return path


def greeted(port, source="127.0.0.1", small=False):
    """A TCP connection of nng's. small: its buffer for what it does not read."""
    peer = socket.socket()
    if small:
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    peer.settimeout(PATIENCE)
    peer.bind((source, 0))
    peer.connect(("127.0.0.1", port))
    peer.sendall(b"\0SP\0\0\x30\0\0")
    return peer


class Busy:
    """
    h2load on Scoring/Score as long as the block lasts, so many requests at a time on each of so many connections. path: of a
    local socket instead.
    """

    def __init__(self, service, source, connections=4, requests=16, path=None):
        to = [f"--base-uri=unix:{path}"] if path else []
        self.words = ["h2load", "-c", str(connections), "-m", str(requests), "-n", "20000", *to, "-H", "content-type: application/json",
                      "-d", f"{source}/service/examples/request.json", f"http://127.0.0.1:{service.http}/leadfit.v1.Scoring/Score"]
        self.over = threading.Event()
        self.thread = threading.Thread(target=self.run)

    def run(self):
        while not self.over.is_set():
            self.process = subprocess.Popen(self.words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            self.process.wait()

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.process.terminate()
        self.thread.join()


class Claims:
    """Claims about families, and which families there were claims about."""

    def __init__(self):
        self.told, self.families = set(), {}
        self.reasons, self.moved = {}, set()  # values of the label, by family; samples that a claim saw move

    def scrape(self, service):
        exposed = service.scrape()
        self.families.update(exposed.families)
        for name in exposed.families:
            self.reasons.setdefault(name, set()).update(exposed.values(name, "reason"))
        return exposed

    def tell(self, family):
        base = re.sub(r"_(sum|count|bucket)$", "", family)
        self.told.add(base if base in self.families else family)

    def shows(self, service, what, families, holds):
        """holds(exposed) becomes true, and that is what these families (a name, or several) are for."""
        last = []

        def now():
            last[:] = [self.scrape(service)]
            return holds(last[0])
        wait_until(now, what)
        check(True, what)
        for family in families.split():
            self.tell(family)

    def moves(self, service, what, act, *expected):
        """
        act() changes the sums of samples: expected are (name, labels, by how much). By None: by anything above 0. Nothing
        else is asked of the service meanwhile, and what is counted is counted once.
        """
        before = self.scrape(service)
        act()

        def differences():
            after = self.scrape(service)
            return [after.sum(name, **labels) - before.sum(name, **labels) for name, labels, _ in expected]

        def holds():
            found[:] = differences()
            return all(d > 0 if by is None else d >= by for d, (_, _, by) in zip(found, expected))
        found = []
        wait_until(holds, f"{what} {expected}")
        for difference, (name, labels, by) in zip(found, expected):
            shown = "".join(f" {key}={value}" for key, value in labels.items())
            check(by is None or difference == by, f"{what}: {name}{shown}", f"by {difference}, not by {by}")
            self.tell(name)
            self.moved.add((name, frozenset(labels.items())))
