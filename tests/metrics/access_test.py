#!/usr/bin/python3
"""Who may read /metrics, and how it is asked for.

    access_test.py LEADFITD SOURCE_FOLDER

Debian's python3, for its gRPC. That an address which is not this machine's needs a token is in tests/rpc/locally_test.c.
"""
import hashlib
import os
import sys
import tempfile

from exposed import Exposed, Leadfitd, check
from tls_service import put
import tls_service as common

leadfitd, source = (os.path.abspath(path) for path in sys.argv[1:3])
TYPE = "text/plain; version=0.0.4; charset=utf-8"


def ask(service, token=None, method="GET", path="/metrics", body=None):
    return service.ask(path, body, {"authorization": "Bearer " + token} if token else {}, method)


with tempfile.TemporaryDirectory(prefix="lf_metrics_") as folder:
    lines = (f"{role} {hashlib.sha256(f'{role}-token'.encode()).hexdigest()} {role}\n" for role in ("read", "score", "rubric", "admin"))
    put(f"{folder}/tokens", "".join(lines).encode())
    service = Leadfitd(leadfitd, folder, "--tokens", f"{folder}/tokens")
    status, headers, body = ask(service)
    check(status == 200 and headers["content-type"] == TYPE and headers["cache-control"] == "no-store", "the loopback needs no token")
    check("leadfit_build_info" in Exposed(body.decode()).families, "and gets the metrics")
    for name in ("Forwarded", "Via", "X-Forwarded-For", "X-Real-IP"):
        status, _, _ = service.ask("/metrics", None, {name: "10.0.0.1"}, "GET")
        check(status == 401, f"what a proxy passes on with {name} needs one", status)
    for token, expected in (("read-token", 200), ("admin-token", 200), ("score-token", 403), ("rubric-token", 403), ("wrong", 401)):
        status, headers, body = ask(service, token)
        check(status == expected, f"with {token} it is {expected}", f"{status} {body}")
        check((status == 401) == ("www-authenticate" in headers), "401 says how")
        check(status == 200 or (b"leadfit_" not in body and body), "and who may not read it is told so, and nothing else")
    status, headers, body = ask(service, method="HEAD")
    check(status == 200 and headers["content-type"] == TYPE and body == b"", "HEAD has no body")
    check(int(headers["content-length"]) > 1000, "but tells its length")
    for method in ("POST", "PUT", "DELETE"):
        status, headers, body = ask(service, "read-token", method, body=b"")
        check(status == 405 and headers["allow"] == "GET, HEAD", f"{method} is not allowed")
    status, _, body = service.ask("/metrics?name=x")
    check(status == 200, "a query makes no difference", f"{status} {body}")
    text = service.get("Metrics/Read", token="read-token")["text"]
    check("leadfit_build_info" in Exposed(text).families, "Metrics/Read is the same")
    check(service.call("Metrics/Read", token="score-token")[0] == 403, "for those who may read")
    check(service.call("Decisions/List")[0] == 401, "other methods need a token from the loopback, too")
    peer = service.nng()
    check(peer.call("leadfit.v1.Metrics/Read") == 0 and peer.call("leadfit.v1.Decisions/List") == 16, "a local socket is as the loopback")
    peer.close()
    service.stop()
sys.exit(common.failures != 0)
