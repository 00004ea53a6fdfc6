#!/usr/bin/python3
"""What a stranger on the HTTP port can do, and that others are served meanwhile: floods, peers that read nothing, half-done
things, heads and bodies without end, more connections than there may be.

    attack_test.py LEADFITD SOURCE_FOLDER [SANITIZERS]

Each attack runs against a service of its own. While it lasts, health checks and calls of another connection are answered, and
the service's memory stays below 128 MiB.
"""
import socket
import struct
import sys
import time

import service as support
from frames import *
from health import Watch, healthy
from service import Service, check

leadfitd, source = sys.argv[1:3]
sanitized = len(sys.argv) > 3 and sys.argv[3] != ""
LIMIT_MIB = 128
PATIENCE = 60
def connect(service, preface=True):
    peer = socket.create_connection((service.host, service.port), 30)
    peer.settimeout(30)
    if preface:
        peer.sendall(PREFACE + frame(SETTINGS, 0, 0))
    return peer


def attack(what, run, least=1.0):
    service = Service(leadfitd)
    healthy(service)
    watch = Watch(service)
    start = time.monotonic()
    try:
        run(service, what)
    finally:
        time.sleep(max(0.0, least - (time.monotonic() - start)))
        watch.end(what)
    peak = service.peak_mib()
    check(sanitized or peak < LIMIT_MIB, f"{what}: memory stays below {LIMIT_MIB} MiB: {peak:.0f}")
    service.end()


def send_until_closed(peer, piece, times, read=False):
    """Sends a piece again and again. The times it took for the peer to close, or None."""
    peer.settimeout(10)
    for i in range(times):
        try:
            peer.sendall(piece(i) if callable(piece) else piece)
            if read:
                peer.setblocking(False)
                try:
                    if peer.recv(65536) == b"":
                        return i
                except BlockingIOError:
                    pass
                peer.settimeout(10)
        except OSError:
            return i
    return None


def is_closed(peer, patience=PATIENCE):
    """Reads until the other side ends."""
    until = time.monotonic() + patience
    while time.monotonic() < until:
        peer.settimeout(max(0.1, until - time.monotonic()))
        try:
            if peer.recv(65536) == b"":
                return True
        except TimeoutError:
            return False
        except OSError:
            return True
    return False


# ---- floods ----

def rapid_reset(service, what):
    peer = connect(service)
    ended = send_until_closed(peer, lambda i: b"".join(
        call(2 * (100 * i + n) + 1, DESCRIBE) + frame(RST, 0, 2 * (100 * i + n) + 1, b"\0\0\0\x08") for n in range(100)), 400, read=True)
    check(ended is not None, f"{what}: closed after {ended} hundred streams")


def flood(piece, times, read):
    def run(service, what):
        peer = connect(service)
        ended = send_until_closed(peer, piece * 100, times, read)
        check(ended is not None or is_closed(peer), f"{what}: closed after {ended or times} hundred frames")
    return run


def continuation(service, what):
    peer = connect(service)
    peer.sendall(frame(HEADERS, 0, 1, b"\x82"))
    ended = send_until_closed(peer, frame(CONTINUATION, 0, 1, literal("x", "y" * 100)), 100000)
    check(ended is not None, f"{what}: closed after {ended} frames")


# ---- peers that read nothing ----

def window_of(peer):
    """Lets the other side say as much as it wants."""
    peer.sendall(frame(SETTINGS, 0, 0, struct.pack(">HI", 4, 2**31 - 1)) + frame(WINDOW, 0, 0, struct.pack(">I", 2**31 - 1 - 65535)))


def slow_readers(service, what):
    peers = []
    for _ in range(12):
        peer = socket.socket()
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        peer.connect((service.host, service.port))
        peer.sendall(PREFACE + frame(SETTINGS, 0, 0))
        window_of(peer)
        peer.setblocking(False)
        peers.append([peer, 1, b""])
    until = time.monotonic() + 8
    while time.monotonic() < until:
        for entry in peers:
            try:
                if not entry[2]:
                    entry[2] = b"".join(call(entry[1] + 2 * n, DESCRIBE) for n in range(50))
                    entry[1] += 100
                sent = entry[0].send(entry[2])
                entry[2] = entry[2][sent:]
            except BlockingIOError:
                pass
            except OSError:
                entry[0].close()
                entry[:] = [connect(service), 1, b""]
                window_of(entry[0])
                entry[0].setblocking(False)
        time.sleep(0.01)
    for entry in peers:
        entry[0].close()


def one_that_reads_nothing_is_closed(service, what):
    peer = socket.socket()
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    peer.connect((service.host, service.port))
    peer.sendall(PREFACE + frame(SETTINGS, 0, 0))
    window_of(peer)
    peer.settimeout(1)
    stream, until, closed = 1, time.monotonic() + PATIENCE, False
    while time.monotonic() < until and not closed:
        try:
            peer.sendall(call(stream, DESCRIBE))
            stream += 2
        except TimeoutError:
            time.sleep(0.5)
            try:
                peer.send(b"")
                closed = peer.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) != 0
            except OSError:
                closed = True
            info = peer.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)
            closed = closed or info[0] in (7, 8)  # TCP_CLOSE, TCP_CLOSE_WAIT
        except OSError:
            closed = True
    check(closed, f"{what}: closed in time")


# ---- what is half done ----

def half_done(service, what):
    cases = {
        "nothing": b"", "one byte": b"P", "half a preface": PREFACE[:10], "no SETTINGS": PREFACE,
        "half a head": PREFACE + frame(SETTINGS, 0, 0) + frame(HEADERS, 0, 1, head(HEALTH)),
    }
    peers = {name: [connect(service, False) for _ in range(20)] for name in cases}
    for name, sent in cases.items():
        for peer in peers[name]:
            peer.sendall(sent)
    for name in cases:
        check(all(is_closed(peer) for peer in peers[name]), f"{what}: {name} is closed in time")


def one_byte_a_second(service, what):
    """A preface, and a body, of which a byte comes each second."""
    slow, body = connect(service, False), connect(service)
    body.sendall(frame(HEADERS, 4, 1, head(HEALTH)))
    ends = {}
    until = time.monotonic() + PATIENCE
    sent = 0
    while len(ends) < 2 and time.monotonic() < until:
        for name, peer, piece in (("a preface", slow, PREFACE[sent % 24:sent % 24 + 1]), ("a body", body, frame(DATA, 0, 1, b"\0"))):
            if name in ends:
                continue
            peer.settimeout(0.5)
            try:
                peer.sendall(piece)
                got = peer.recv(65536)
                if got == b"" or b"\x00\x00\x04\x03" in got:  # the end, or RST_STREAM
                    ends[name] = sent
            except TimeoutError:
                pass
            except OSError:
                ends[name] = sent
        sent += 1
        time.sleep(0.5)
    check(set(ends) == {"a preface", "a body"}, f"{what}: both are given up: after {ends} bytes")


# ---- much of it ----

def idle_connections(service, what):
    peers = []
    for _ in range(1024):
        try:
            peers.append(connect(service))
        except OSError:
            break
    check(len(peers) > 200, f"{what}: {len(peers)} were opened")
    time.sleep(3)
    for peer in peers:
        peer.close()


def large_heads(service, what):
    peer = connect(service)
    ended = send_until_closed(peer, lambda i: frame(HEADERS, 5, 2 * i + 1, head(HEALTH, ("x", "y" * 12000), *[("z", "y" * 90)] * 20)), 300)
    check(healthy(service) == "SERVING", f"{what}: after {ended or 300} of them")


def announced_bodies(service, what):
    """Messages of 4 GiB that are announced, and 4 KiB of each sent."""
    peers = [connect(service) for _ in range(150)]
    for peer in peers:
        peer.sendall(frame(HEADERS, 4, 1, head(DESCRIBE, ("content-length", "4294967295"))) + frame(DATA, 0, 1, b"\0\xff\xff\xff\xff" + b"x" * 4096))
    time.sleep(2)
    for peer in peers:
        peer.close()


def bodies_without_end(service, what):
    """As much of 3 MiB as the other side takes, on 150 connections with 8 streams each."""
    peers = [connect(service) for _ in range(150)]
    for peer in peers:
        peer.setblocking(False)
    piece = {stream: frame(DATA, 0, stream, b"\0\0\x30\0\0" + b"x" * 16000) for stream in range(1, 16, 2)}
    waiting = {peer: b"".join(frame(HEADERS, 4, stream, head(DESCRIBE)) for stream in piece) for peer in peers}
    until = time.monotonic() + 6
    turn = 0
    while time.monotonic() < until:
        for peer in list(waiting):
            try:
                if not waiting[peer]:
                    waiting[peer] = piece[2 * (turn % 8) + 1]
                sent = peer.send(waiting[peer])
                waiting[peer] = waiting[peer][sent:]
                peer.recv(65536)
            except BlockingIOError:
                pass
            except OSError:
                del waiting[peer]
        turn += 1
    for peer in peers:
        peer.close()


def streams_without_end(service, what):
    """256 streams that begin and do not end, on 200 connections."""
    peers = [connect(service) for _ in range(200)]
    for peer in peers:
        peer.settimeout(5)
        try:
            peer.sendall(b"".join(frame(HEADERS, 4, stream, head(DESCRIBE)) + frame(DATA, 0, stream, b"\0") for stream in range(1, 512, 2)))
        except OSError:
            pass
    time.sleep(2)
    for peer in peers:
        peer.close()


def closed_window(service):
    """Nothing of a reply's body may be said to it."""
    peer = socket.create_connection((service.host, service.port), 30)
    peer.settimeout(30)
    peer.sendall(PREFACE + frame(SETTINGS, 0, 0, struct.pack(">HI", 4, 0)))
    return peer


def questions_whose_answers_are_not_taken(service, what):
    """Each answer has some 20 KiB."""
    peers = [closed_window(service) for _ in range(4)]
    name = b"leadfit.v1.Decisions"
    question = b"\x22" + bytes((len(name),)) + name
    message = struct.pack(">BI", 0, len(question)) + question
    for peer in peers:
        peer.sendall(frame(HEADERS, 4, 1, head("/grpc.reflection.v1.ServerReflection/ServerReflectionInfo"))
                     + b"".join(frame(DATA, 0, 1, message * 500) for _ in range(4)))
    time.sleep(3)
    for peer in peers:
        peer.close()


def replies_that_are_not_taken(service, what):
    """As many as one connection may have; its peer is told in time that they are given up."""
    peer = closed_window(service)
    peer.sendall(b"".join(call(stream, HEALTH) for stream in range(1, 33, 2)))
    peer.settimeout(PATIENCE)
    got = b""
    try:
        while not any(got[at + 3] == 3 for at in frames_at(got)):
            piece = peer.recv(65536)
            if not piece:
                break
            got += piece
        given_up = True
    except OSError:
        given_up = False
    check(given_up, f"{what}: they are given up in time")
    peer.close()


ATTACKS = {
    "rapid reset": rapid_reset,
    "a flood of PING": flood(frame(PING, 0, 0, b"12345678"), 1000, False),
    "a flood of PING, answers read": flood(frame(PING, 0, 0, b"12345678"), 1000, True),
    "a flood of SETTINGS": flood(frame(SETTINGS, 0, 0), 1000, False),
    "a flood of SETTINGS, answers read": flood(frame(SETTINGS, 0, 0), 1000, True),
    "a flood of CONTINUATION": continuation,
    "slow readers": slow_readers,
    "a peer that reads nothing": one_that_reads_nothing_is_closed,
    "half-done things": half_done,
    "one byte a second": one_byte_a_second,
    "idle connections": idle_connections,
    "large heads": large_heads,
    "announced bodies": announced_bodies,
    "bodies without end": bodies_without_end,
    "streams without end": streams_without_end,
    "questions whose answers are not taken": questions_whose_answers_are_not_taken,
    "replies that are not taken": replies_that_are_not_taken,
}

only = sys.argv[4:]
threads = []
for name, run in ATTACKS.items():
    if not only or name in only:
        attack(name, run)
sys.exit(support.failures != 0)
