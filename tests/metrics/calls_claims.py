"""Claims about calls and connections: what /metrics says of them moves when it should."""
import http.client
import socket
import ssl
import struct
import sys
import threading
import time

import grpc

from exposed import PATIENCE, Busy, check, greeted, wait_until
from frames import DESCRIBE, HEADERS, PREFACE, SETTINGS, call, frame, head

HEALTH = "grpc.health.v1.Health/Check"
STARTED, HANDLED, HANDLING = "grpc_server_started_total", "grpc_server_handled_total", "grpc_server_handling_seconds_count"
REFUSED, FAILED = "leadfit_rpc_refused_total", "leadfit_auth_failures_total"

# Reasons that this test does not cause, and where they are caused.
ELSEWHERE = {
    (REFUSED, "stopping"): "who asks then can't scrape any more",
    (REFUSED, "in_flight"): "shares leave something to everybody: tests/rpc/shares_test.c takes it all",
    (REFUSED, "bytes"): "likewise",
    (REFUSED, "share_bytes"): "tests/rpc/shares_test.c: a request of 24 MiB is no message",
}


def count_calls(claims, service):
    """One call over each transport."""
    def labels(transport, method="Check", type="unary", of="grpc.health.v1.Health"):
        return {"grpc_service": of, "grpc_method": method, "grpc_type": type, "transport": transport}

    def ok(transport, **other):
        own = labels(transport, **other)
        return (STARTED, own, 1), (HANDLED, {**own, "grpc_code": "OK"}, 1), (HANDLING, own, 1)

    def over_grpc():
        with grpc.insecure_channel(f"127.0.0.1:{service.http}", (("grpc.enable_http_proxy", 0),)) as channel:
            channel.unary_unary("/" + HEALTH)(b"", timeout=PATIENCE)

    def over_nng():
        peer = service.nng()
        assert peer.call(HEALTH) == 0
        peer.close()

    def web():
        assert service.ask("/" + HEALTH, b"\0\0\0\0\0", {"content-type": "application/grpc-web+proto"})[0] == 200
    claims.moves(service, "a call over nng", over_nng, *ok("nng"))
    claims.moves(service, "a call by gRPC", over_grpc, *ok("grpc"))
    claims.moves(service, "a call by gRPC-Web", web, *ok("grpc-web"))
    claims.moves(service, "a call by Connect",
                 lambda: service.ask("/" + HEALTH, b"{}", {"content-type": "application/json"}), *ok("connect"))
    claims.moves(service, "/readyz is Health/Check", lambda: service.ask("/readyz"), *ok("http"))
    claims.moves(service, "a code has its name",
                 lambda: service.call("Decisions/Get", {"decisionId": "00000000-0000-4000-8000-000000000000"}),
                 (HANDLED, {"grpc_method": "Get", "grpc_code": "NotFound", "transport": "connect"}, 1))
    claims.moves(service, "a method that is not there has no name",
                 lambda: service.call("Decisions/Guess"),
                 (HANDLED, {"grpc_service": "", "grpc_method": "", "grpc_code": "Unimplemented"}, 1))
    text = service.scrape().text
    check("Guess" not in text, "what strangers call it is not in /metrics")
    check(service.scrape().sum("grpc_server_started_total", transport="http", grpc_method="Read") > 1, "a scrape is a call, too")


def count_streams(claims, service):
    with grpc.insecure_channel(f"127.0.0.1:{service.http}", (("grpc.enable_http_proxy", 0),)) as channel:
        before = claims.scrape(service)
        watch = channel.unary_stream("/grpc.health.v1.Health/Watch")(b"")
        next(watch)
        claims.shows(service, "a call that streams is one, and not in flight", "leadfit_rpc_streams leadfit_rpc_in_flight",
                     lambda e: e.sum("leadfit_rpc_streams") == 1 and e.sum("leadfit_rpc_in_flight") == 1)
        check(claims.scrape(service).sum(STARTED, grpc_method="Watch", grpc_type="server_stream", transport="grpc") == 1
              and before.sum(STARTED, grpc_method="Watch") == 0, "it has started")
        watch.cancel()
    claims.shows(service, "when it has ended it is none", "leadfit_rpc_streams",
                 lambda e: e.sum("leadfit_rpc_streams") == 0 and e.sum(HANDLED, grpc_method="Watch", grpc_code="Canceled") == 1)
    check(claims.scrape(service).sum(HANDLING, grpc_method="Watch") == 0, "and how long it took is nobody's business")


def count_what_waits(claims, service, source, workers):
    quiet = claims.scrape(service)
    claims.shows(service, "limits are told", "leadfit_rpc_workers leadfit_rpc_in_flight_limit leadfit_request_bytes_limit",
                 lambda e: (e.sum("leadfit_rpc_workers"), e.sum("leadfit_rpc_in_flight_limit"), e.sum("leadfit_request_bytes_limit"))
                 == (workers, 1024, 48 << 20))
    with Busy(service, source):
        for name in ("leadfit_rpc_in_flight", "leadfit_rpc_queue", "leadfit_request_bytes_in_use", "leadfit_log_queue"):
            claims.shows(service, "under load it is more", name, lambda e, name=name: e.sum(name) > quiet.sum(name))
    claims.shows(service, "and not after it", "leadfit_rpc_in_flight leadfit_rpc_queue leadfit_log_queue",
                 lambda e: e.sum("leadfit_rpc_in_flight") == 1 and e.sum("leadfit_rpc_queue") == 0 and e.sum("leadfit_log_queue") == 0)
    with Busy(service, source, connections=8, requests=250):
        claims.shows(service, "who asks for too much at a time is refused", REFUSED,
                     lambda e: e.sum(REFUSED, reason="share_in_flight") > 0)
    claims.moved.add((REFUSED, frozenset({("reason", "share_in_flight")})))


def count_sizes(claims, service):
    def too_long():
        peer = service.nng()
        assert peer.call("leadfit.v1.Scoring/Score", b"\n" * ((4 << 20) + 100)) == 8
        peer.close()
    claims.moves(service, "a message that is too long", too_long, (REFUSED, {"reason": "size"}, 1))


# ---- callers ----

def over_tls(service, headers, path="/leadfit.v1.Decisions/List", body=b"{}", close=True):
    context = ssl.create_default_context(cafile=service.authority)
    connection = http.client.HTTPSConnection("localhost", service.http, timeout=PATIENCE, context=context)
    connection.request("POST", path, body, {"content-type": "application/json", **headers})
    status = connection.getresponse().status
    connection.close()
    return status


def count_callers(claims, service):
    def denied(reason):
        return (FAILED, {"reason": reason}, 1)

    def wrong():
        assert service.ask("/leadfit.v1.Decisions/List", b"{}", {"content-type": "application/json", "authorization": "Bearer wrong"})[0] == 401

    def as_user(token, path="/leadfit.v1.Decisions/List"):
        return lambda: service.ask(path, b"{}", {"content-type": "application/json", "authorization": token})
    claims.moves(service, "a call without a token", lambda: service.call("Decisions/List"), denied("no_token"), (REFUSED, {"reason": "auth"}, None))
    claims.moves(service, "a header that is none", as_user("Basic abc"), denied("no_bearer"))
    claims.moves(service, "a wrong token, which ends its connection", wrong, denied("wrong_token"),
                 ("leadfit_http_connections_closed_total", {"reason": "token"}, 1))
    claims.moves(service, "a role that lacks", as_user("Bearer scorer-token"), denied("lacks_role"))

    def often(token, times):
        def act():
            for _ in range(times):
                service.call("Decisions/List", token=token)
        return act
    claims.moves(service, "more in a second than the quota", often("slow-token", 8), (REFUSED, {"reason": "quota_rate"}, None))

    def at_once():
        peers = []
        for i in range(16):
            peer = socket.create_connection(("127.0.0.1", service.http))
            peer.settimeout(PATIENCE)
            bearer = ("authorization", "Bearer narrow-token")
            peer.sendall(PREFACE + frame(SETTINGS, 0, 0) + b"".join(
                frame(HEADERS, 4, stream, head("/leadfit.v1.Describe/Describe", bearer)) + frame(0, 1, stream, b"\0\0\0\0\0")
                for stream in range(1, 101, 2)))
            peers.append(peer)
        for peer in peers:
            peer.close()
    claims.moves(service, "more at a time than the quota", at_once, (REFUSED, {"reason": "quota_in_flight"}, None))

    def strange():
        peer = service.nng()
        for _ in range(400):
            assert peer.call("leadfit.v1.Decisions/List") == 16
        peer.close()
    # Strangers have ten lines a second, and a call without a token is refused at once: a slow machine has more of them, too.
    claims.moves(service, "lines that are too many", strange, (FAILED, {"reason": "no_token"}, 400),
                 ("leadfit_events_left_out_total", {"event": "request_strange"}, None),
                 ("leadfit_events_total", {"event": "lines_left_out", "level": "warning"}, None))

    def guess():
        peer = service.nng()
        peer.socket.settimeout(2)
        try:
            for _ in range(80):
                assert peer.call("leadfit.v1.Decisions/List", token="guess") == 16
        except TimeoutError:
            pass
        peer.close()
    claims.moves(service, "who guesses on gets no answer", guess, (FAILED, {"reason": "wrong_token"}, None), ("leadfit_rpc_unanswered_total", {}, None))


# ---- connections ----

class Slow:
    """Peers that are cut off after half a minute; begun early, so that others can be tested meanwhile."""

    def __init__(self, claims, service, tcp):
        self.claims, self.service, self.before = claims, service, claims.scrape(service)
        self.unread = threading.Thread(target=self.read_nothing, args=(tcp,), daemon=True)
        self.unread.start()
        unsent = greeted(tcp, "127.0.0.4")
        unsent.sendall(struct.pack(">Q", 1000) + b"half")
        half = socket.create_connection(("127.0.0.1", service.http), source_address=("127.0.0.4", 0))
        self.peers = [unsent, half, self.silent_reader()]

    def silent_reader(self):
        """Asks over HTTP/2 for more than its buffer holds, and reads nothing."""
        peer = socket.socket()
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        peer.bind(("127.0.0.4", 0))
        peer.connect(("127.0.0.1", self.service.http))
        wide = struct.pack(">HI", 4, 2**31 - 1)
        peer.sendall(PREFACE + frame(SETTINGS, 0, 0, wide) + frame(8, 0, 0, struct.pack(">I", 2**31 - 1 - 65535)))
        peer.setblocking(False)

        def fill():
            stream = 1
            try:
                while stream < 200000:
                    peer.setblocking(True)
                    peer.settimeout(20)
                    peer.sendall(b"".join(call(stream + 2 * n, DESCRIBE) for n in range(16)))
                    stream += 32
            except OSError:
                pass
        threading.Thread(target=fill, daemon=True).start()
        return peer

    def read_nothing(self, tcp):
        """Requests over nng, and no replies taken."""
        peer = greeted(tcp, "127.0.0.6", small=True)
        method = b"leadfit.v1.Describe/Describe"
        body = struct.pack(">I2sBBIBBH", 0x80000001, b"LF", 1, 0, 0, len(method), 0, 0) + method
        try:
            while True:
                peer.sendall((struct.pack(">Q", len(body)) + body) * 64)
        except OSError:
            peer.close()

    def end(self):
        def more(name, **labels):
            return lambda e: e.sum(name, **labels) > self.before.sum(name, **labels)
        http, nng = "leadfit_http_connections_closed_total", "leadfit_nng_connections_closed_total"
        for what, name, labels in (
                ("silence in place of a request", http, {"reason": "half"}),
                ("a peer over HTTP that reads nothing", http, {"reason": "slow"}),
                ("a peer over nng that stops in the middle", nng, {"reason": "unsent"}),
                ("a peer over nng that reads nothing", nng, {"reason": "unread"}),
                ("its requests, dropped meanwhile", "leadfit_nng_requests_dropped_total", {})):
            self.claims.shows(self.service, what, name, more(name, **labels))
            self.claims.moved.add((name, frozenset(labels.items())))
        for peer in self.peers:
            peer.close()


def count_connections(claims, service, tcp):
    closed, open_now = "leadfit_http_connections_closed_total", "leadfit_connections"
    kept = []

    def keep(peer):
        kept.append(peer)
    claims.moves(service, "a connection of HTTP", lambda: keep(socket.create_connection(("127.0.0.1", service.http))),
                 (open_now, {"transport": "http"}, 1), ("leadfit_http_connections_accepted_total", {}, None))
    claims.moves(service, "a peer that goes", lambda: kept.pop().close(), (closed, {"reason": "peer"}, None), (open_now, {"transport": "http"}, -1))
    claims.shows(service, "the loop has had turns", "leadfit_loop_lag_seconds_count", lambda e: e.sum("leadfit_loop_lag_seconds_count") > 0)
    claims.moves(service, "a connection to the local socket", lambda: keep(service.nng()), (open_now, {"transport": "nng-local"}, 1))
    claims.moves(service, "a connection of nng's over TCP", lambda: keep(greeted(tcp)), (open_now, {"transport": "nng-tcp"}, 1))

    def one_too_many():
        for _ in range(4):
            keep(greeted(tcp))
    claims.moves(service, "too many of nng's", one_too_many, ("leadfit_connections_refused_total", {"transport": "nng"}, None))
    for peer in kept:
        peer.close()
    claims.shows(service, "they are gone", open_now, lambda e: e.sum(open_now, transport="nng-local") == 0 and e.sum(open_now, transport="http") <= 2)

    def nonsense():
        with socket.create_connection(("127.0.0.1", service.http)) as peer:
            peer.sendall(PREFACE.replace(b"SM", b"XX") + frame(SETTINGS, 0, 0))
            peer.settimeout(PATIENCE)
            while peer.recv(4096):
                pass
    claims.moves(service, "what is no HTTP/2", nonsense, (closed, {"reason": "protocol"}, 1))

    def crowd(first):
        """Of one address, more than it may have."""
        peers = [socket.create_connection(("127.0.0.1", service.http), source_address=("127.0.0.5", 0)) for _ in range(258)]
        for peer in peers:
            peer.sendall(first)
        time.sleep(0.2)
        more = [socket.create_connection(("127.0.0.1", service.http), source_address=("127.0.0.5", 0)) for _ in range(4)]
        time.sleep(0.2)
        for peer in peers + more:
            peer.close()
    claims.moves(service, "too many of one address, all of them idle", lambda: crowd(PREFACE + frame(SETTINGS, 0, 0)), (closed, {"reason": "idle"}, None))
    claims.moves(service, "too many of one address, none of them idle", lambda: crowd(PREFACE + frame(SETTINGS, 0, 0) + frame(HEADERS, 4, 1, head(DESCRIBE))),
                 ("leadfit_connections_refused_total", {"transport": "http"}, None))
