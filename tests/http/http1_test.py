#!/usr/bin/env python3
"""HTTP/1.1, Connect, pages and origins, against leadfitd: by raw sockets, and by curl.

    http1_test.py LEADFITD
"""
import base64
import hashlib
import json
import os
import re
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
import urllib.parse

leadfitd = os.path.abspath(sys.argv[1])
PATIENCE = 60
failures = 0
HEALTH = "/grpc.health.v1.Health/Check"
SCORE = "/leadfit.v1.Scoring/Score"


def check(holds, what, found=None):
    global failures
    print(("ok - " if holds else "not ok - ") + what + ("" if holds or found is None else f": {found!r}"), flush=True)
    failures += not holds


class Service:
    def __init__(self, *options):
        self.folder = tempfile.mkdtemp(prefix="http1.")
        self.path = f"{self.folder}/h.sock"
        self.ipc = f"ipc://{self.folder}/n.sock"
        self.said = f"{self.folder}/said"
        with open(self.said, "wb") as said:
            self.process = subprocess.Popen(
                [leadfitd, "--db", f"{self.folder}/log.db", "--listen", self.ipc,
                 "--http", "127.0.0.1:0", "--http", f"unix:{self.path}", "--log", "text", *options], stderr=said, cwd=self.folder)
        deadline = time.monotonic() + PATIENCE
        while " ready: " not in self.text():
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.process.kill()
                sys.exit("it did not start: " + self.text())
            time.sleep(0.05)
        self.port = int(re.search(r"http://127\.0\.0\.1:(\d+)", self.text()).group(1))
        self.base = f"http://127.0.0.1:{self.port}"

    def text(self):
        return open(self.said).read()

    def connect(self):
        return socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE)

    def stop(self):
        self.process.terminate()
        status = self.process.wait(timeout=PATIENCE)
        subprocess.run(["rm", "-r", self.folder], check=True)
        return status


class Reply:
    """One reply off a socket's file. None of it where the connection has ended."""

    def __init__(self, file, method="GET"):
        line = file.readline().decode("latin-1")
        self.status = int(line.split()[1]) if line.startswith("HTTP/1.1 ") else 0
        self.headers, self.trailers, self.body = {}, {}, b""
        while self.status and (line := file.readline().decode("latin-1").rstrip("\r\n")):
            name, value = line.split(": ", 1)
            self.headers[name] = value
        if self.status == 100 or method == "HEAD":
            return
        if self.headers.get("transfer-encoding") == "chunked":
            while size := int(file.readline(), 16):
                self.body += file.read(size)
                assert file.read(2) == b"\r\n"
            while line := file.readline().decode().rstrip("\r\n"):
                name, value = line.split(": ", 1)
                self.trailers[name] = value
        elif "content-length" in self.headers:
            self.body = file.read(int(self.headers["content-length"]))

    def json(self):
        return json.loads(self.body)


def head(path=HEALTH, method="POST", length=2, more=""):
    size = f"Content-Length: {length}\r\n" if length is not None else ""
    return f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n{size}{more}\r\n".encode()


def ask(service, data, method="GET"):
    """Sends bytes on a connection of their own. The reply, and what follows it until the service closes."""
    with service.connect() as peer:
        peer.sendall(data)
        file = peer.makefile("rb")
        reply = Reply(file, method)
        if reply.headers.get("connection") == "close":
            reply.rest = file.read()
        else:
            peer.shutdown(socket.SHUT_WR)
            reply.rest = file.read()
        return reply


def curl(*words, stdin=None):
    done = subprocess.run(["curl", "-sS", "-m", str(PATIENCE), "-w", "\n%{http_code} %{content_type}", *words],
                          input=stdin, capture_output=True)
    body, _, last = done.stdout.rpartition(b"\n")
    status, _, kind = last.decode().partition(" ")
    return int(status or 0), body, kind


def is_up(service):
    return ask(service, head() + b"{}").json() == {"status": "SERVING"}


# ---- what can't be read, or could be read in two ways ----

def smuggling(service):
    start = f"POST {HEALTH} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n".encode()
    hidden = b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n"
    vectors = {
        "a length and chunks": start + b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + hidden,
        "chunks and a length": start + b"Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n" + hidden,
        "two lengths": start + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{} " + hidden,
        "a length with a space before the colon": start + b"Content-Length : 2\r\n\r\n{}" + hidden,
        "bare LF": f"POST {HEALTH} HTTP/1.1\nHost: localhost\nContent-Length: 2\n\n{{}}".encode() + hidden,
        "one bare LF": start + b"X: y\nContent-Length: 2\r\n\r\n{}" + hidden,
        "bare CR": start + b"X: y\rContent-Length: 2\r\n\r\n{}" + hidden,
        "an encoding that does not end with chunked": start + b"Transfer-Encoding: chunked, identity\r\n\r\n" + hidden,
        "an encoding that is not known": start + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n" + hidden,
        "chunked twice": start + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + hidden,
        "a negative chunk": start + b"Transfer-Encoding: chunked\r\n\r\n-1\r\n{}\r\n0\r\n\r\n" + hidden,
        "LF within a chunk's extension": start + b"Transfer-Encoding: chunked\r\n\r\n2;a\nb\r\n{}\r\n0\r\n\r\n" + hidden,
        "LF behind the last chunk": start + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\n" + hidden,
        "a header behind the body": start + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\nX: y\r\n\r\n" + hidden,
        "a header on two lines": start + b"X: a\r\n b\r\nContent-Length: 2\r\n\r\n{}" + hidden,
        "HTTP/0.9 with headers": f"POST {HEALTH}\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{{}}".encode() + hidden,
        "no Host": f"POST {HEALTH} HTTP/1.1\r\nContent-Length: 2\r\n\r\n{{}}".encode() + hidden,
        "Host twice": start + b"Host: localhost\r\nContent-Length: 2\r\n\r\n{}" + hidden,
        "NUL in a header": start + b"X: a\0b\r\nContent-Length: 2\r\n\r\n{}" + hidden,
        "a header without a name": start + b": y\r\nContent-Length: 2\r\n\r\n{}" + hidden,
        "HTTP/1.2": f"POST {HEALTH} HTTP/1.2\r\nHost: localhost\r\n\r\n".encode() + hidden,
        "two spaces in the request line": f"POST  {HEALTH} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode() + hidden,
        "CONNECT": b"CONNECT localhost:1 HTTP/1.1\r\nHost: localhost:1\r\n\r\n" + hidden,
    }
    for name, data in vectors.items():
        reply = ask(service, data)
        check(reply.status in (400, 501, 505) and reply.rest == b"", f"{name}: refused, and nothing behind it is read",
              (reply.status, reply.rest))
    check(is_up(service), "the service is up after all of these")


def limits(service):
    reply = ask(service, b"GET /" + b"x" * 17000 + b" HTTP/1.1\r\nHost: a\r\n\r\n")
    check(reply.status == 414, "a target of 17,000 bytes", reply.status)
    reply = ask(service, head(more="X-Long: " + "x" * 17000 + "\r\n"))
    check(reply.status == 431, "a header of 17,000 bytes", reply.status)
    reply = ask(service, head(more="".join(f"X-{i}: y\r\n" for i in range(80))))
    check(reply.status == 431, "80 headers", reply.status)
    reply = ask(service, head(length=1 << 40))
    check(reply.status == 429 and reply.json()["code"] == "resource_exhausted", "a body of 1 TiB is refused at once",
          (reply.status, reply.body))
    reply = ask(service, head(length=99999999999999999999))
    check(reply.status == 400, "a length beyond 64 bits", reply.status)
    with service.connect() as peer:
        peer.sendall(head(length=None, more="Transfer-Encoding: chunked\r\n"))
        try:
            for _ in range(80):
                peer.sendall(b"10000\r\n" + b" " * 65536 + b"\r\n")
        except OSError:
            pass  # it has answered and closed
        try:
            reply = Reply(peer.makefile("rb"))
            check(reply.status in (429, 0), "5 MiB in chunks are refused", reply.status)
        except OSError:
            check(True, "5 MiB in chunks are refused")


# ---- connections ----

def connections(service):
    with service.connect() as peer:
        file = peer.makefile("rb")
        for i in range(3):
            peer.sendall(head(more=f"Request-Id: r-{i}\r\n") + b"{}")
            reply = Reply(file)
            check(reply.status == 200 and reply.headers.get("request-id") == f"r-{i}", f"one connection, request {i}",
                  reply.headers)
        for byte in head() + b"{}":
            peer.sendall(bytes([byte]))
        check(Reply(file).json() == {"status": "SERVING"}, "byte by byte")
        peer.sendall(b"".join(head(more=f"Request-Id: p-{i}\r\n") + b"{}\r\n" for i in range(50)))
        ids = [Reply(file).headers.get("request-id") for _ in range(50)]
        check(ids == [f"p-{i}" for i in range(50)], "50 requests in one go, answered in order", ids)
        body = b'{"service":' + b" " * 100000 + b'""}'
        peer.sendall(b"".join(head(length=len(body), more=f"Request-Id: b-{i}\r\n") + body for i in range(20)))
        ids = [Reply(file).headers.get("request-id") for _ in range(20)]
        check(ids == [f"b-{i}" for i in range(20)], "20 requests of 100 KB in one go", ids)
        peer.sendall(head(length=None, more="Transfer-Encoding: chunked\r\n") + b"1\r\n{\r\n1;x=y\r\n}\r\n0\r\n\r\n")
        check(Reply(file).json() == {"status": "SERVING"}, "a body in chunks")
        peer.sendall(head(more="Expect: 100-continue\r\n"))
        check(Reply(file).status == 100, "100 Continue")
        peer.sendall(b"{}")
        check(Reply(file).status == 200, "then the reply")
        peer.sendall(b"GET /nothing HTTP/1.1\r\nHost: localhost\r\n\r\n" + head() + b"{}")
        check(Reply(file).status == 404 and Reply(file).status == 200, "404, and on with the same connection")
        peer.sendall(head(more="Connection: close\r\n") + b"{}")
        reply = Reply(file)
        check(reply.headers.get("connection") == "close" and file.read() == b"", "Connection: close")
    reply = ask(service, head(more="Expect: something\r\n") + b"{}")
    check(reply.status == 417, "Expect: something", reply.status)
    reply = ask(service, head(more="Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n") + b"{}")
    check(reply.status == 200, "an upgrade is not taken up, the request is answered", reply.status)
    reply = ask(service, b"POST " + HEALTH.encode() + b" HTTP/1.0\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}")
    check(reply.status == 200 and reply.headers.get("connection") == "close", "HTTP/1.0", reply.status)
    with service.connect() as peer:
        peer.sendall(head()[:30])
    with service.connect() as peer:
        peer.sendall(head(length=100) + b"{")
    with service.connect() as peer:
        peer.sendall(head(length=None, more="Transfer-Encoding: chunked\r\n") + b"zz\r\n")
        reply = Reply(peer.makefile("rb"))
        check(reply.status == 400, "a chunk without a size", reply.status)
    with socket.socket(socket.AF_UNIX) as peer:
        peer.connect(service.path)
        peer.sendall(head().replace(b"localhost", b"whatever.example") + b"{}")
        check(Reply(peer.makefile("rb")).json() == {"status": "SERVING"}, "a local socket, whatever the host is called")
    check(is_up(service), "the service is up after connections that ended in the middle")


# ---- Connect ----

def example():
    members = [
        {"id": f"m-{i}", "discipline": d, "evidence": [{"criterion": "architecture", "rating": 3 + i % 2, "source": "PEER"}]}
        for i, d in enumerate(("FRONTEND", "BACKEND", "BACKEND"))
    ]
    return {"team": {"id": "t", "members": members}, "project": {"id": "p", "title": "P", "traits": {"interaction_focus": 0.5}}}


def connect_calls(service):
    url = service.base + SCORE
    status, body, kind = curl(url, "-H", "content-type: application/json", "-d", json.dumps(example()))
    check(status == 200 and kind == "application/json", "curl, in one line", (status, kind, body))
    decision = json.loads(body)
    check(len(decision.get("ranking", [])) == 3 and "decisionId" in decision, "a decision with its ranking", decision)
    check(all("score" in r and "rank" in r and "eligible" in r for r in decision["ranking"]), "every number, zeros too")
    check("recommended" in decision, "and every text, also where it is empty", decision)
    identifier = decision["decisionId"]

    for version in ("--http1.1", "--http2-prior-knowledge"):
        status, body, _ = curl(version, url, "-H", "content-type: application/json; charset=utf-8", "-d",
                               json.dumps(example() | {"purpose": "DECISON", "membrs": 1}))
        error = json.loads(body)
        fields = [v["field"] for v in error["details"][0]["debug"]["violations"]]
        check(status == 400 and error["code"] == "invalid_argument" and sorted(fields) == ["membrs", "purpose"],
              f"{version}: an error names every field", body)
        value = error["details"][0]["value"]
        check(error["details"][0]["type"] == "leadfit.v1.Error" and "=" not in value
              and b"membrs" in base64.b64decode(value + "=" * (-len(value) % 4)), f"{version}: and has them as protobuf", error)

    for data, code, status_wanted, what in (
            (b"", "invalid_argument", 400, "an empty body"),
            (b"{", "invalid_argument", 400, "half an object"),
            (b"[]", "invalid_argument", 400, "a list"),
            (b"\xff", "invalid_argument", 400, "no UTF-8"),
            (b'{"team": {"members": [{"id": 7}]}}', "invalid_argument", 400, "a wrong type")):
        reply = ask(service, head(SCORE, length=len(data)) + data)
        check(reply.status == status_wanted and reply.json()["code"] == code, what, reply.body)

    reply = ask(service, head("/leadfit.v1.Scoring/Scor") + b"{}")
    check(reply.status == 501 and "nearest is \"leadfit.v1.Scoring/Score\"" in reply.json()["message"],
          "an unknown method, and the nearest", reply.body)
    reply = ask(service, head("/leadfit.v1.Decisions/Get", length=36) + b'{"decisionId": "nothing of the kind"}'[:36])
    check(reply.status in (400, 404), "a decision that is not there", (reply.status, reply.body))
    for header, status_wanted, what in (
            ("Connect-Protocol-Version: 1", 200, "version 1"),
            ("Connect-Protocol-Version: 2", 400, "version 2"),
            ("Connect-Timeout-Ms: 5000", 200, "a time-out"),
            ("Connect-Timeout-Ms: 0", 504, "no time"),
            ("Connect-Timeout-Ms: 5s", 400, "a time-out that is none"),
            ("Connect-Timeout-Ms: 12345678901", 400, "a time-out of 11 digits"),
            ("Content-Encoding: identity", 200, "identity"),
            ("Content-Encoding: gzip", 501, "gzip")):
        reply = ask(service, head(more=header + "\r\n") + b"{}")
        check(reply.status == status_wanted and (reply.status == 200 or "message" in reply.json()), what,
              (reply.status, reply.body))

    for kind, status_wanted in (("text/plain", 415), ("application/x-www-form-urlencoded", 415), ("", 415),
                                ("application/connect+json", 415), ("application/json; charset=latin1", 415),
                                ("application/json;charset=UTF-8", 200), ("Application/JSON", 200)):
        data = head().replace(b"Content-Type: application/json", b"Content-Type: " + kind.encode())
        reply = ask(service, data + b"{}")
        check(reply.status == status_wanted, f"content type \"{kind}\"", (reply.status, reply.body))
    for method in ("PUT", "DELETE", "PATCH"):
        reply = ask(service, head(method=method) + b"{}")
        check(reply.status == 405 and reply.headers.get("allow") == "GET, POST", method, (reply.status, reply.headers))

    data = head(length=0).replace(b"application/json", b"application/proto")
    reply = ask(service, data)
    check(reply.status == 200 and reply.body == b"\x08\x01" and reply.headers["content-type"] == "application/proto",
          "protobuf", (reply.status, reply.body))
    return identifier


def gets(service, identifier):
    message = urllib.parse.quote(json.dumps({"decisionId": identifier}))
    url = f"{service.base}/leadfit.v1.Decisions/Get?connect=v1&encoding=json&message={message}"
    status, body, _ = curl(url)
    check(status == 200 and identifier.encode() in body, "GET, with JSON", (status, body[:200]))
    encoded = base64.urlsafe_b64encode(json.dumps({"decisionId": identifier}).encode()).decode().rstrip("=")
    status, body, _ = curl(f"{service.base}/leadfit.v1.Decisions/Get?connect=v1&encoding=json&base64=1&message={encoded}")
    check(status == 200 and identifier.encode() in body, "GET, with base64", (status, body[:200]))
    proto = b"\x0a" + bytes([len(identifier)]) + identifier.encode()
    encoded = base64.urlsafe_b64encode(proto).decode().rstrip("=")
    status, body, kind = curl(f"{service.base}/leadfit.v1.Decisions/Get?connect=v1&encoding=proto&base64=1&message={encoded}")
    check(status == 200 and kind == "application/proto" and identifier.encode() in body, "GET, with protobuf", (status, kind))
    start = HEALTH + "?connect=v1&encoding=json"

    def get(target, method="GET"):
        return ask(service, f"{method} {target} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode(), method)

    reply = get(start + "&message=%7B%7D")
    check(reply.status == 200 and reply.headers.get("cache-control") == "private, no-store", "no cache keeps it", reply.headers)
    for target, status_wanted, what in (
            (start, 400, "no message"), (HEALTH, 400, "no query"), (start + "&message=%7", 400, "half a %XX"),
            (start + "&message={}&message={}", 400, "two messages"), (start + "&message=e3%3D&base64=1", 400, "bad base64"),
            (start + "&message=e30&base64=2", 400, "base64=2"), (start.replace("connect=v1", "connect=v2") + "&message=e30", 400, "connect=v2"),
            (start.replace("encoding=json", "encoding=xml") + "&message=x", 400, "encoding=xml"),
            (start + "&message=%7B%7D&compression=gzip", 501, "compression=gzip"),
            (start + "&message=" + "%7B%7D", 200, "as it should be"),
            (SCORE + "?connect=v1&encoding=json&message=%7B%7D", 405, "a method that writes"),
            ("/leadfit.v1.Scoring/Scor?connect=v1&encoding=json&message=%7B%7D", 404, "no method")):
        reply = get(target)
        check(reply.status == status_wanted and (status_wanted != 400 or reply.json()["code"] == "invalid_argument"),
              "GET: " + what, (reply.status, reply.body))
    reply = get(start + "&message=%7B%7D", "HEAD")
    check(reply.status == 405, "HEAD of a method", reply.status)


def grpc_web(service):
    kind = b"application/grpc-web+proto"
    data = head(length=5).replace(b"application/json", kind) + b"\0\0\0\0\0"
    reply = ask(service, data)
    message, rest = reply.body[:7], reply.body[7:]
    check(reply.status == 200 and message == b"\0\0\0\0\2\x08\1" and rest[:1] == b"\x80"
          and rest[5:] == b"grpc-status: 0\r\n" and struct.unpack(">I", rest[1:5])[0] == len(rest) - 5,
          "gRPC-Web over HTTP/1.1", (reply.status, reply.headers, reply.body))
    data = head("/leadfit.v1.Decisions/Get", length=5).replace(b"application/json", kind) + b"\0\0\0\0\0"
    reply = ask(service, data)
    check(b"grpc-status: 3\r\n" in reply.body and b"grpc-message: " in reply.body, "and an error", reply.body)


# ---- pages ----

def pages(service):
    for method in ("GET", "HEAD"):
        for path, word in (("/livez", b"alive\n"), ("/readyz", b"ready\n")):
            reply = ask(service, f"{method} {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode(), method)
            check(reply.status == 200 and reply.body == (word if method == "GET" else b"")
                  and reply.headers.get("content-length") == str(len(word)) and reply.rest == b"", f"{method} {path}",
                  (reply.status, reply.headers, reply.body))
    reply = ask(service, b"GET /openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n")
    check(reply.status == 200 and reply.headers["content-type"] == "application/json" and reply.json()["openapi"] == "3.1.0",
          "GET /openapi.json", reply.status)
    reply = ask(service, b"POST /livez HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n")
    check(reply.status == 405 and reply.headers.get("allow") == "GET, HEAD", "POST /livez", (reply.status, reply.headers))
    reply = ask(service, b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
    check(reply.status == 404 and b"POST /PACKAGE.SERVICE/METHOD" in reply.body, "what is not there says what is", reply.body)


# ---- browsers ----

def origins(service, allowed):
    def call(more, method="POST", host="localhost"):
        data = head(method=method, more=more).replace(b"Host: localhost", b"Host: " + host.encode())
        return ask(service, data + b"{}", method)

    reply = call("Origin: https://evil.example\r\n")
    check(reply.status == 403 and "access-control-allow-origin" not in reply.headers, "a foreign page is refused",
          (reply.status, reply.headers))
    reply = call("Origin: null\r\n")
    check(reply.status == 403, "a page without an origin, too", reply.status)
    reply = call(f"Origin: http://localhost:{service.port}\r\n", host=f"localhost:{service.port}")
    check(reply.status == 200, "our own page is served", reply.status)
    preflight = "Access-Control-Request-Method: POST\r\nAccess-Control-Request-Headers: content-type\r\n"
    reply = ask(service, f"OPTIONS {SCORE} HTTP/1.1\r\nHost: localhost\r\nOrigin: https://hr.example.com\r\n{preflight}\r\n".encode())
    if allowed:
        check(reply.status == 204 and reply.headers.get("access-control-allow-origin") == "https://hr.example.com"
              and "POST" in reply.headers.get("access-control-allow-methods", "")
              and "content-type" in reply.headers.get("access-control-allow-headers", ""), "a preflight", reply.headers)
        for kind in ("application/json", "application/grpc-web+proto"):
            data = head(more="Origin: https://hr.example.com\r\n").replace(b"application/json", kind.encode())
            reply = ask(service, data + b"{}")
            check(reply.headers.get("access-control-allow-origin") == "https://hr.example.com"
                  and reply.headers.get("vary") == "origin"
                  and "grpc-status" in reply.headers.get("access-control-expose-headers", ""),
                  f"an allowed page is served, {kind}", (reply.status, reply.headers))
        reply = call("Origin: https://hr.example.com.evil.example\r\n")
        check(reply.status == 403, "an origin that only begins alike is not", reply.status)
    else:
        check(reply.status == 403, "no preflight without --allow-origin", reply.status)
        reply = call("", host="rebound.evil.example")
        check(reply.status == 421, "a host that is none of ours", reply.status)
        for host in ("127.0.0.1", "127.0.0.1:80", "[::1]:80", "LOCALHOST:1", "127.9.9.9"):
            check(call("", host=host).status == 200, f"host {host}")
        for host in ("127.0.0.1.evil.example", "localhost.evil.example", "10.0.0.1", "[::2]", "127.evil.example"):
            check(call("", host=host).status == 421, f"host {host}")
        status, _, _ = curl("--http2-prior-knowledge", "-H", "host: evil.example", service.base + "/livez")
        check(status == 421, "the same over HTTP/2", status)


def tokens(service, token):
    def call(more):
        return ask(service, head("/leadfit.v1.Rubrics/List", more=more) + b"{}")

    reply = call("")
    check(reply.status == 401 and reply.json()["code"] == "unauthenticated"
          and reply.headers.get("www-authenticate") == "Bearer", "no token", (reply.status, reply.headers))
    reply = call("Authorization: Bearer wrong\r\n")
    check(reply.status == 401 and reply.rest == b"", "a wrong token, and the connection is closed", reply.status)
    reply = call(f"Authorization: Bearer {token}\r\n")
    check(reply.status == 200, "the right one", (reply.status, reply.body))
    reply = ask(service, head(SCORE, more=f"Authorization: Bearer {token}\r\n") + b"{}")
    check(reply.status == 403 and reply.json()["code"] == "permission_denied", "a role that is missing", reply.body)
    for _ in range(100):
        reply = call("Authorization: Bearer seldom\r\n")
        if reply.status != 200:
            break
    check(reply.status == 429 and reply.headers.get("retry-after") in ("1", "2"), "too fast, and when to come back", (reply.status, reply.headers))
    for path in ("/livez", "/readyz"):
        reply = ask(service, f"GET {path} HTTP/1.1\r\nHost: anything.example\r\n\r\n".encode())
        check(reply.status == 200, f"{path} needs no token", reply.status)


def bad_options():
    folder = tempfile.mkdtemp(prefix="http1.")
    for origin in ("*", "null", "hr.example.com", "https://hr.example.com/", "https://HR.example.com"):
        done = subprocess.run([leadfitd, "--db", f"{folder}/log.db", "--http", "127.0.0.1:0", "--allow-origin", origin], capture_output=True, text=True)
        check(done.returncode == 2 and origin in done.stderr, f"--allow-origin {origin} is refused", done.stderr)
    check(os.listdir(folder) == [], "and nothing is left behind")
    done = subprocess.run([leadfitd, "--db", f"{folder}/log.db", "--allow-origin", "https://a"], capture_output=True, text=True)
    check(done.returncode == 2 and "--http" in done.stderr, "--allow-origin without --http is refused", done.stderr)
    os.rmdir(folder)


def main():
    service = Service()
    try:
        smuggling(service)
        limits(service)
        connections(service)
        identifier = connect_calls(service)
        gets(service, identifier)
        grpc_web(service)
        pages(service)
        origins(service, allowed=False)
        with service.connect() as idle:
            idle.sendall(head() + b"{}")
            file = idle.makefile("rb")
            Reply(file)
            service.process.send_signal(signal.SIGTERM)
            check(file.read() == b"", "at a stop, idle connections are closed")
    finally:
        check(service.stop() == 0, "it ends well")
    token = "s3cret-" + os.urandom(8).hex()
    with tempfile.NamedTemporaryFile("w", suffix=".tokens") as file:
        os.chmod(file.name, 0o600)
        file.write(f"reader {hashlib.sha256(token.encode()).hexdigest()} read\n")
        file.write(f"intern {hashlib.sha256(b'seldom').hexdigest()} read requests_per_second=1\n")
        file.flush()
        service = Service("--tokens", file.name, "--allow-origin", "https://hr.example.com")
        try:
            tokens(service, token)
            origins(service, allowed=True)
        finally:
            check(service.stop() == 0, "it ends well with tokens, too")
    bad_options()
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
