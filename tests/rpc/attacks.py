#!/usr/bin/env python3
"""What strangers can do to leadfitd over nng, and what others get meanwhile.

  attacks.py LEADFITD                     each attack for a moment; fails where the service does not hold (ctest)
  attacks.py LEADFITD --seconds 90 [NAME]...   for longer; prints a table

Each attack has a leadfitd of its own, listening over TCP and on a local socket. While it lasts, others ask for health over
both. Attackers come from several addresses of loopback, others from one of their own. No time is asserted: only that others
are answered at all, that the process lives, and how much memory it takes.
"""
import argparse
import os
import re
import resource
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time

MIB = 1 << 20
GREETING = b"\0SP\0\0\x30\0\0"
HEALTH = b"grpc.health.v1.Health/Check"
DESCRIBE = b"leadfit.v1.Describe/Describe"


def frame(method, message=b"", metadata=()):
    entries = b"".join(struct.pack(">BH", len(k), len(v)) + k + v for k, v in metadata)
    return b"LF\x01\0" + struct.pack(">IBBH", 0, len(method), len(metadata), len(entries)) + method + entries + message


def request(frame_bytes, number=1, local=False):
    body = struct.pack(">I", 0x80000000 | number) + frame_bytes
    return (b"\1" if local else b"") + struct.pack(">Q", len(body)) + body


def connect(address, source=None, greet=True, small=False, timeout=10):
    local = isinstance(address, str)
    s = socket.socket(socket.AF_UNIX if local else socket.AF_INET)
    s.settimeout(timeout)
    if small:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    try:
        if source is not None:
            s.setsockopt(socket.IPPROTO_IP, 24, 1)  # IP_BIND_ADDRESS_NO_PORT
            s.bind((source, 0))
        s.connect(address)
        if greet:
            s.sendall(GREETING)
            read(s, 8)
    except BaseException:
        s.close()
        raise
    return s


def read(s, count):
    data = b""
    while len(data) < count:
        more = s.recv(count - len(data))
        if not more:
            raise OSError("the connection has ended")
        data += more
    return data


def call(s, frame_bytes, number=1):
    local = s.family == socket.AF_UNIX
    s.sendall(request(frame_bytes, number, local))
    if local:
        read(s, 1)
    (length,) = struct.unpack(">Q", read(s, 8))
    reply = read(s, length)
    return struct.unpack(">I", reply[8:12])[0], reply[4:]


class Service:
    def __init__(self, program, directory, options=()):
        self.directory = directory
        self.local = os.path.join(directory, "s")
        self.said = open(os.path.join(directory, "said"), "w+")
        self.process = subprocess.Popen(
            [program, "--db", os.path.join(directory, "log"), "--listen", "tcp://127.0.0.1:0",
             "--listen", "ipc://" + self.local, *options], stderr=self.said)
        self.tcp = None
        for _ in range(600):
            text = open(self.said.name).read()
            if "ready" in text:
                self.tcp = ("127.0.0.1", int(re.search(r"listening on tcp://127.0.0.1:(\d+)", text).group(1)))
                return
            if self.process.poll() is not None:
                break
            time.sleep(0.1)
        raise SystemExit("leadfitd did not start: " + text)

    def peak(self):
        try:
            return int(re.search(r"VmHWM:\s+(\d+)", open(f"/proc/{self.process.pid}/status").read()).group(1)) * 1024
        except (OSError, AttributeError):
            return 0

    def end(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        return self.process.returncode


class Asker(threading.Thread):
    """Asks for health again and again, over a new connection where the last one has ended."""

    def __init__(self, address, source, stop):
        super().__init__(daemon=True)
        self.address, self.source, self.stop_event = address, source, stop
        self.ok = self.failed = 0
        self.gap = 0.0
        self.last = time.monotonic()

    def answered(self):
        now = time.monotonic()
        self.gap = max(self.gap, now - self.last)
        self.last = now

    def run(self):
        s = None
        while not self.stop_event.is_set():
            try:
                if s is None:
                    s = connect(self.address, self.source, timeout=5)
                status, _ = call(s, frame(HEALTH))
                if status != 0:
                    raise OSError("status %d" % status)
                self.ok += 1
                self.answered()
                if self.ok % 10 == 0:
                    s.close()
                    s = None
            except OSError:
                self.failed += 1
                if s is not None:
                    s.close()
                    s = None
            self.stop_event.wait(0.05)
        self.gap = max(self.gap, time.monotonic() - self.last)


def source(i, per_address=3):
    return "127.0.%d.%d" % (1 + i // per_address // 200, 1 + i // per_address % 200)


# ---- attacks: each until stop is set ----


def until(stop, work):
    """Again and again, whatever becomes of the connection."""
    while not stop.is_set():
        try:
            work()
        except OSError:
            stop.wait(0.02)


def many(count, work):
    threads = [threading.Thread(target=work, args=(i,), daemon=True) for i in range(count)]
    for t in threads:
        t.start()
    return threads


def sends_and_reads_nothing(service, stop, count=12, abort=False, pause=None):
    requests = request(frame(DESCRIBE)) * 64

    def one(i):
        def work():
            s = connect(service.tcp, source(i), small=True, timeout=1)
            begun = time.monotonic()
            try:
                while not stop.is_set() and (pause is None or time.monotonic() - begun < pause):
                    try:
                        s.sendall(requests)
                    except socket.timeout:
                        pass
            finally:
                if abort:
                    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                s.close()

        until(stop, work)

    return many(count, one)


def aborts_amid_its_requests(service, stop):
    return sends_and_reads_nothing(service, stop, abort=True, pause=0.03)


def reads_a_little_and_ends_its_side(service, stop):
    requests = request(frame(DESCRIBE)) * 200

    def one(i):
        def work():
            s = connect(service.tcp, source(i), small=True, timeout=0.2)
            try:
                s.sendall(requests)
            except socket.timeout:
                pass
            try:
                for _ in range(20 + i):
                    s.recv(4000)
                s.shutdown(socket.SHUT_WR)
                for _ in range(10):
                    s.recv(4000)
            finally:
                s.close()

        until(stop, work)

    return many(12, one)


def reads_a_byte_at_a_time(service, stop):
    def one(i):
        def work():
            s = connect(service.tcp, source(i), small=True, timeout=0.2)
            try:
                s.sendall(request(frame(DESCRIBE)) * 500)
            except socket.timeout:
                pass
            while not stop.is_set():
                if s.recv(1) == b"":
                    break
                stop.wait(0.2)
            s.close()

        until(stop, work)

    return many(12, one)


def opens_and_is_idle(service, stop, count=1100, greet=True):
    held = []

    def work():
        while not stop.is_set():
            for i in range(len(held), count):
                try:
                    held.append(connect(service.tcp, source(i), greet=False, timeout=1))
                    if greet:
                        held[-1].sendall(GREETING)
                except OSError:
                    break
            alive = []
            for s in held:
                s.setblocking(False)
                try:
                    gone = s.recv(64) == b""
                except BlockingIOError:
                    gone = False
                except OSError:
                    gone = True
                if gone:
                    s.close()
                else:
                    alive.append(s)
            held[:] = alive
            stop.wait(0.05)
        for s in held:
            s.close()

    return many(1, lambda i: work())


def opens_and_does_not_greet(service, stop):
    return opens_and_is_idle(service, stop, greet=False)


def announces_and_does_not_send(service, stop, count=150):
    def one(i):
        def work():
            for length in (8 * MIB, 4 * MIB):
                s = connect(service.tcp, source(i, 1), timeout=3)
                try:
                    s.sendall(struct.pack(">Q", length))
                    s.sendall(b"\x80\0\0\1" + b"x" * (length - 5))
                    while not stop.is_set():
                        stop.wait(0.1)
                        s.settimeout(0.01)
                        try:
                            if s.recv(1) == b"":
                                break
                        except socket.timeout:
                            pass
                except OSError:
                    pass
                s.close()

        until(stop, work)

    return many(count, one)


def guesses_tokens(service, stop):
    guesses = b"".join(request(frame(b"leadfit.v1.Scoring/Score", metadata=((b"authorization", b"Bearer guess%d" % n),)), n)
                       for n in range(200))

    def one(i):
        def work():
            s = connect(service.tcp, source(i), timeout=0.05)
            try:
                while not stop.is_set():
                    try:
                        s.sendall(guesses)
                        s.recv(1 << 16)
                    except socket.timeout:
                        pass
            finally:
                s.close()

        until(stop, work)

    return many(12, one)


ATTACKS = {
    "unread": (sends_and_reads_nothing, 128),
    "unread-1": (lambda service, stop: sends_and_reads_nothing(service, stop, count=1), 128),
    "abort": (aborts_amid_its_requests, 128),
    "half-close": (reads_a_little_and_ends_its_side, 128),
    "drip": (reads_a_byte_at_a_time, 128),
    "idle": (opens_and_is_idle, 128),
    "no-greeting": (opens_and_does_not_greet, 128),
    # 64 connections of 4 MiB and a little, and what the rest takes
    "announce": (announces_and_does_not_send, 384),
    "guess": (guesses_tokens, 128),
}


def suffer(program, name, seconds, directory):
    tokens = os.path.join(directory, "tokens")
    with open(tokens, "w") as out:
        out.write("hr " + "0" * 64 + " score\n")
    os.chmod(tokens, 0o600)
    service = Service(program, directory, ["--tokens", tokens] if name == "guess" else [])
    stop, others = threading.Event(), threading.Event()
    askers = [Asker(service.local, None, others), Asker(service.tcp, "127.9.9.9", others)]
    threads = ATTACKS[name][0](service, stop)
    for asker in askers:
        asker.start()
    end = time.monotonic() + seconds
    ended = None
    while time.monotonic() < end and ended is None:
        time.sleep(0.1)
        ended = service.process.poll()
    lived = seconds - max(0, end - time.monotonic())
    peak = service.peak()
    others.set()
    for asker in askers:
        asker.join(15)
    stop.set()
    for t in threads:
        t.join(15)
    status = service.end()
    return {"lived": lived if ended is not None else None, "status": status, "peak": peak, "local": askers[0],
            "tcp": askers[1]}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("leadfitd")
    parser.add_argument("names", nargs="*", default=[])
    parser.add_argument("--seconds", type=float, default=0)
    options = parser.parse_intermixed_args()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 8192), hard))
    wrong = []
    print("%-12s %-14s %8s   %-28s %-28s" % ("attack", "the process", "peak", "health, local socket", "health, TCP"))
    for name in options.names or ATTACKS:
        with tempfile.TemporaryDirectory(prefix="lf-attack-") as directory:
            found = suffer(options.leadfitd, name, options.seconds or 4, directory)
        who = ["%d ok, %d not, %.1f s" % (a.ok, a.failed, a.gap) for a in (found["local"], found["tcp"])]
        how = "ended after %.0f s" % found["lived"] if found["lived"] is not None else "exit %d" % found["status"]
        print("%-12s %-14s %4d MiB   %-28s %-28s" % (name, how, found["peak"] // MIB, *who), flush=True)
        if found["lived"] is not None or found["status"] != 0:
            wrong.append(name + ": the process ended, or was stopped with a status")
        if found["peak"] > ATTACKS[name][1] * MIB:
            wrong.append("%s: %d MiB are more than %d" % (name, found["peak"] // MIB, ATTACKS[name][1]))
        if found["local"].ok == 0:
            wrong.append(name + ": nobody was answered over the local socket")
        # Who fills TCP's connections from many addresses locks others out there, and not from the local socket.
        if found["tcp"].ok == 0 and name not in ("idle", "no-greeting", "announce"):
            wrong.append(name + ": nobody was answered over TCP")
    for line in wrong:
        print("attacks: " + line)
    sys.exit(1 if wrong and options.seconds == 0 else 0)


main()
