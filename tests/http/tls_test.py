#!/usr/bin/python3
"""TLS of leadfitd, as its clients meet it: openssl s_client, curl, gRPC for Python; certificates and tokens reloaded.

    tls_test.py LEADFITD SOURCE_FOLDER

Debian's python3, for its gRPC.
"""
import hashlib
import os
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time

from tls_service import PATIENCE, Authority, Channel, Nng, Service, check, message, openssl, put
import tls_service as common

leadfitd, source = (os.path.abspath(path) for path in sys.argv[1:3])
RELOADS = 100
IDLE = 256
SCORE = """
team { id: "t" members { id: "m-1" discipline: "BACKEND" evidence { criterion: "architecture" rating { value: 4 } source: "PEER" } }
       members { id: "m-2" discipline: "FRONTEND" evidence { criterion: "interaction" rating { value: 3 } source: "PEER" } } }
project { id: "p" }
"""
HEALTH = "grpc.health.v1.Health/Check"
SERVING = b"\x08\x01"
LIST = "leadfit.v1.Decisions/List"
UNAUTHENTICATED = 16


def sha256(token):
    return hashlib.sha256(token.encode()).hexdigest()


def s_client(port, *words, data=b""):
    done = openssl("s_client", "-connect", f"127.0.0.1:{port}", "-servername", "localhost", "-CAfile", ca.path, *words, data=data, may_fail=True)
    return (done.stdout + done.stderr).decode(errors="replace")


def curl(*words):
    done = subprocess.run(["curl", "-sS", "--noproxy", "*", "--max-time", str(PATIENCE), *words], capture_output=True)
    return done.returncode, done.stdout, done.stderr.decode(errors="replace")


def curl_health(port, *words):
    """Over gRPC's framing: status, and the reply's bytes."""
    frame = f"{folder}/frame"
    with open(frame, "wb") as file:
        file.write(b"\0\0\0\0\0")
    return curl("--http2", "-H", "content-type: application/grpc", "-H", "te: trailers", "--data-binary", f"@{frame}",
                f"https://localhost:{port}/{HEALTH}", *words)


folder = tempfile.mkdtemp(prefix="leadfit-tls.")
ca, foreign = Authority(folder, "ca"), Authority(folder, "foreign")
first, second = ca.sign("first"), ca.sign("second")
expired, elsewhere = ca.sign("expired", days=-1), foreign.sign("elsewhere")
portal = ca.sign("portal", "/CN=portal", "URI:spiffe://example.com/portal", "clientAuth")
expired_portal = ca.sign("expired-portal", "/CN=portal", "URI:spiffe://example.com/portal", "clientAuth", days=-1)
nobody = ca.sign("nobody", "/CN=nobody", "", "clientAuth")
stranger = foreign.sign("stranger", "/CN=portal", "URI:spiffe://example.com/portal", "clientAuth")
own, key, tokens = f"{folder}/own.pem", f"{folder}/own.key", f"{folder}/tokens"
LINES = f"reader {sha256('reader-token')} read\nscorer {sha256('scorer-token')} score,read\n"
CERTIFIED = LINES + "cert:spiffe://example.com/portal score\n"
score = message(source, "ScoreRequest", SCORE)


def use(pair):
    put(own, pair[0])
    put(key, pair[1])


def write_tokens(text):
    put(tokens, text.encode())


def fingerprint(path):
    with open(path, encoding="ascii") as file:
        return hashlib.sha256(ssl.PEM_cert_to_DER_cert(file.read())).hexdigest()


def shown(port, protocols=("h2",)):
    """A handshake: the SHA-256 of the certificate that the service shows."""
    context = ssl.create_default_context(cafile=ca.path)
    context.set_alpn_protocols(list(protocols))
    with socket.create_connection(("127.0.0.1", port), PATIENCE) as plain:
        with context.wrap_socket(plain, server_hostname="localhost") as secure:
            return hashlib.sha256(secure.getpeercert(binary_form=True)).hexdigest()


# ---- what is spoken ----

def versions_and_protocols(port):
    for version, name in (("-tls1_2", "TLSv1.2"), ("-tls1_3", "TLSv1.3")):
        text = s_client(port, version, "-alpn", "h2,http/1.1")
        check(f"New, {name}" in text and "Verify return code: 0 (ok)" in text and "ALPN protocol: h2" in text,
              f"openssl s_client: {name} with ALPN", text)
    text = s_client(port, "-tls1_1", "-cipher", "DEFAULT:@SECLEVEL=0")
    check("alert protocol version" in text, "TLS 1.1 is refused", text)
    check("ALPN protocol: http/1.1" in s_client(port, "-alpn", "http/1.1"), "ALPN: http/1.1 is taken where h2 is not offered")
    check("No ALPN negotiated" in s_client(port), "no ALPN is no error")
    check("alert no application protocol" in s_client(port, "-alpn", "spdy/3"), "ALPN with nothing in common is a fatal alert")


def curl_and_certificates(port):
    status, out, err = curl_health(port, "--cacert", ca.path)
    check(status == 0 and out == b"\0\0\0\0\2" + SERVING, "curl --http2 --cacert", f"{status} {out} {err}")
    status, _, err = curl_health(port, "--cacert", foreign.path)
    check(status == 60, "curl with another CA's certificate refuses", f"{status} {err}")
    status, _, err = curl("--http2", "--cacert", ca.path, "--resolve", f"elsewhere.example:{port}:127.0.0.1", f"https://elsewhere.example:{port}/")
    check(status == 60, "curl refuses a certificate of another name", f"{status} {err}")
    status, out, err = curl("--http1.1", "--cacert", ca.path, f"https://localhost:{port}/livez", "-o", "/dev/null", "-w", "%{http_version} %{http_code}")
    check(status == 0 and out == b"1.1 200", "curl --http1.1", f"{status} {out} {err}")
    for version in ("--http1.1", "--http2"):
        status, out, err = curl(version, "--cacert", ca.path, "-H", "content-type: application/json", "-d", "{}", f"https://localhost:{port}/{HEALTH}")
        check(status == 0 and b'"SERVING"' in out, f"curl {version} with JSON", f"{status} {out} {err}")
    status, out, err = curl("--http2-prior-knowledge", f"http://127.0.0.1:{port}/nothing", "-o", "/dev/null", "-w", "%{http_version}")
    check(status == 0 and out == b"2", "on loopback the same port answers without TLS, too", f"{status} {out} {err}")


def expired_certificate():
    with tempfile.TemporaryDirectory(dir=folder) as inner:
        one = Service(leadfitd, inner, "--http", "127.0.0.1:0", "--tls-certificate", expired[0], "--tls-key", expired[1])
        check("the certificate has expired" in one.text(), "a start with an expired certificate says so")
        status, _, err = curl_health(one.port("https"), "--cacert", ca.path)
        check(status == 60 and "expired" in err, "clients refuse an expired certificate", f"{status} {err}")
        one.stop()


# ---- clients' certificates ----

def client_certificates():
    write_tokens(CERTIFIED)
    with tempfile.TemporaryDirectory(dir=folder) as inner:
        one = Service(leadfitd, inner, "--http", "127.0.0.1:0", "--tls-certificate", own, "--tls-key", key, "--tls-client-ca", ca.path, "--tokens", tokens)
        port = one.port("https")
        known, unknown, none = Channel(port, ca.path, *portal), Channel(port, ca.path, *nobody), Channel(port, ca.path)
        answer = known.call("leadfit.v1.Scoring/Score", score)
        check(isinstance(answer, bytes) and b"cert:spiffe://example.com/portal" in answer, "a certificate is the caller, by the tokens file", answer)
        answer = known.call(LIST)
        check(answer.startswith("PERMISSION_DENIED") and "lacks the role read" in answer, "and may do what its line says", answer)
        check(isinstance(known.call(LIST, token="reader-token"), bytes), "a token counts before the certificate")
        check(known.call(LIST, token="wrong-token").startswith("UNAUTHENTICATED"), "and a wrong one is not made good by it")
        known.close()
        answer = unknown.call(LIST)
        check(answer.startswith("UNAUTHENTICATED") and "cert:nobody" in answer, "one without a line is told which is missing", answer)
        check(isinstance(unknown.call(LIST, token="reader-token"), bytes), "and may call with a token")
        check(none.call(LIST).startswith("UNAUTHENTICATED"), "without a certificate a token is needed")
        check(isinstance(none.call(LIST, token="reader-token"), bytes), "and is enough")
        check(none.call(HEALTH) == SERVING, "health needs neither")
        wrong = Channel(port, ca.path, *stranger)
        answer = wrong.call(HEALTH, timeout=5)
        check(isinstance(answer, str), "another CA's client is refused in the handshake", answer)
        status, _, err = curl_health(port, "--cacert", ca.path, "--cert", stranger[0], "--key", stranger[1])
        check(status != 0, "by curl, too", f"{status} {err}")
        status, out, err = curl_health(port, "--cacert", ca.path, "--cert", portal[0], "--key", portal[1])
        check(status == 0 and out.endswith(SERVING), "curl with a client certificate", f"{status} {out} {err}")
        write_tokens(LINES)
        again = Channel(port, ca.path, *portal)
        check(isinstance(again.call("leadfit.v1.Scoring/Score", score, token="scorer-token"), bytes), "before the line is taken away")
        one.reload()
        check(again.call("leadfit.v1.Scoring/Score", score).startswith("UNAUTHENTICATED"), "a line that is taken away counts no more, on open connections too")
        for channel in (unknown, none, wrong, again):
            channel.close()
        one.stop()


def client_certificates_required():
    write_tokens(CERTIFIED)
    with tempfile.TemporaryDirectory(dir=folder) as inner:
        one = Service(leadfitd, inner, "--http", "127.0.0.1:0", "--tls-certificate", own, "--tls-key", key, "--tls-client-ca", ca.path,
                      "--tls-client-required", "--tokens", tokens)
        port = one.port("https")
        for round_ in ("", "after a reload "):
            for version, said in (("-tls1_3", "alert certificate required"), ("-tls1_2", "alert handshake failure")):
                # In TLS 1.3 the client is done before it is refused: it stays to hear of that.
                text = s_client(port, version, "-ign_eof")
                check(said in text, f"{round_}without a certificate: {said}", text)
            status, out, err = curl_health(port, "--cacert", ca.path, "-H", "authorization: Bearer reader-token")
            check(status != 0 and not out, f"{round_}a token is not enough", f"{status} {out} {err}")
            for bad in (stranger, expired_portal):
                status, out, err = curl_health(port, "--cacert", ca.path, "--cert", bad[0], "--key", bad[1])
                check(status != 0 and not out, f"{round_}nor is a certificate that does not verify", f"{status} {out} {err}")
            known, unknown = Channel(port, ca.path, *portal), Channel(port, ca.path, *nobody)
            check(isinstance(known.call("leadfit.v1.Scoring/Score", score), bytes), f"{round_}with one a caller is served")
            check(unknown.call(LIST).startswith("UNAUTHENTICATED") and isinstance(unknown.call(LIST, token="reader-token"), bytes),
                  f"{round_}and one that no line names needs a token")
            known.close()
            unknown.close()
            check(one.reload().startswith("reloaded"), "it is reloaded")
        status, out, err = curl(f"http://127.0.0.1:{port}/livez", "-o", "/dev/null", "-w", "%{http_code}")
        check(status == 0 and out == b"200", "on loopback one may do without TLS, as ever", f"{status} {out} {err}")
        one.stop()


# ---- without TLS, from elsewhere ----

def all_that(address, port, data, pieces=False):
    """All that the service says to these bytes until it closes, which it must."""
    with socket.create_connection((address, port), PATIENCE) as one:
        said = b""
        try:
            if pieces:
                one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                for byte in data:
                    one.sendall(bytes([byte]))
                    time.sleep(0.002)
            else:
                one.sendall(data)
        except (BrokenPipeError, ConnectionResetError):
            pass  # it has closed already
        try:
            while more := one.recv(4096):
                said += more
        except ConnectionResetError:
            pass
        return said


def plain_from_elsewhere():
    address = common.own_address()
    if not check(address is not None, "this machine has an address that is not loopback's"):
        return
    with tempfile.TemporaryDirectory(dir=folder) as inner:
        one = Service(leadfitd, inner, "--http", "0.0.0.0:0", "--tls-certificate", own, "--tls-key", key, "--tokens", tokens)
        port = one.port("https")
        get = f"GET /livez HTTP/1.1\r\nhost: {address}\r\n\r\n".encode()
        post = f"POST /{HEALTH} HTTP/1.1\r\nhost: {address}\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{{}}".encode()
        preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0\4\0\0\0\0\0"
        for what, data in (("a GET", get), ("a POST", post)):
            said = all_that(address, port, data)
            check(said.startswith(b"HTTP/1.1 400 ") and b"connection: close" in said and said.endswith(b"use https://...\n"),
                  f"{what} without TLS from {address} is told to use https", said)
        said = all_that(address, port, get[:3], pieces=True)
        check(said.startswith(b"HTTP/1.1 400 "), "after its first byte", said)
        check(all_that(address, port, preface) == b"", "HTTP/2 without TLS is closed without a word")
        check(all_that(address, port, preface[:3], pieces=True) == b"", "after the bytes that tell it")
        check(all_that("127.0.0.1", port, get.replace(b"host", b"connection: close\r\nhost")).startswith(b"HTTP/1.1 200 "), "on loopback it is answered")
        status, out, err = curl("-k", f"https://{address}:{port}/livez", "-o", "/dev/null", "-w", "%{http_code}")
        check(status == 0 and out == b"200", f"and over TLS from {address}, too", f"{status} {out} {err}")
        one.stop()


# ---- reloading ----

def revoking(one, port):
    channel, nng = Channel(port, ca.path), Nng(f"{folder}/socket")
    check(isinstance(channel.call(LIST, token="reader-token"), bytes) and nng.call(LIST, token="reader-token") == 0, "a token is known, over gRPC and nng")
    write_tokens(LINES.replace("reader ", "#reader "))
    line = one.reload()
    check(line.startswith("reloaded: ") and "callers from" in line and "certificate of" in line, "what was reloaded is said in a line", line)
    check(channel.call(LIST, token="reader-token").startswith("UNAUTHENTICATED"), "a revoked token is refused on an open connection of gRPC")
    check(nng.call(LIST, token="reader-token") == UNAUTHENTICATED, "and on one of nng")
    check(nng.call(LIST, token="scorer-token") == 0, "others are not touched")
    write_tokens(LINES)
    one.reload()
    after = Channel(port, ca.path)
    check(isinstance(after.call(LIST, token="reader-token"), bytes), "and is known again when it is back")
    channel.close()
    after.close()
    nng.close()


def all_or_nothing(one, port):
    write_tokens(LINES.replace("reader ", "#reader "))
    breaks = (("a key that is not the certificate's", lambda: put(key, second[1]), "not the key of"),
              ("a certificate that is cut short", lambda: put(own, open(first[0], "rb").read()[:200]), "--tls-certificate"),
              ("a missing key", lambda: os.unlink(key), "No such file"),
              ("an expired certificate", lambda: use(expired), "has expired"),
              ("a key that others may read", lambda: os.chmod(key, 0o644), "chmod 600"))
    for what, harm, said in breaks:
        use(first)
        harm()
        line = one.reload()
        check(line.startswith("nothing was reloaded: ") and said in line, f"{what}: nothing is reloaded, and it is said why", line)
    use(second)
    write_tokens("reader what\n")
    line = one.reload()
    check(line.startswith("nothing was reloaded: line 1"), "a broken tokens file: nothing is reloaded", line)
    check(shown(port) == fingerprint(first[0]), "the old certificate is still shown")
    channel = Channel(port, ca.path)
    check(isinstance(channel.call(LIST, token="reader-token"), bytes), "and the old tokens are known")
    write_tokens(LINES)
    one.reload()
    check(shown(port) == fingerprint(second[0]), "a new certificate is shown to new connections")
    check(channel.call(HEALTH) == SERVING, "and an open one goes on with the old")
    channel.close()
    use(first)
    one.reload()


def under_load(one, port):
    """Nothing is lost and nothing is wrong while certificates and tokens are replaced every 50 ms."""
    prints = {fingerprint(first[0]), fingerprint(second[0])}
    done, wrong, counts = threading.Event(), [], [0] * 6

    def calls(index):
        channel = Channel(port, ca.path)
        while not done.is_set():
            answer = channel.call("leadfit.v1.Scoring/Score", score, token="scorer-token") if index % 2 else channel.call(HEALTH)
            if not isinstance(answer, bytes) or (index % 2 == 0 and answer != SERVING):
                wrong.append(answer)
            counts[index] += 1
        channel.close()

    def handshakes(index):
        while not done.is_set():
            try:
                if shown(port) not in prints:
                    wrong.append("another certificate")
            except OSError as error:
                wrong.append(repr(error))
            counts[index] += 1

    threads = [threading.Thread(target=calls if index < 4 else handshakes, args=(index,)) for index in range(6)]
    for thread in threads:
        thread.start()
    for number in range(RELOADS):
        use((second, first)[number % 2])
        write_tokens(LINES + f"other{number} {sha256(str(number))} read\n")
        line = one.reload()
        if not line.startswith("reloaded: "):
            wrong.append(line)
        time.sleep(0.05)
    done.set()
    for thread in threads:
        thread.join()
    print(f"# {sum(counts[:4])} calls and {sum(counts[4:])} handshakes beside {RELOADS} reloads")
    check(not wrong and all(counts), f"{RELOADS} reloads under load: no call is lost, none is wrong", f"{len(wrong)}: {wrong[:3]} {counts}")


# ---- strangers ----

def half_done(port):
    """Connections that stop amid a handshake are ended by the service."""
    hello = bytearray(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03")
    begun = []
    for first_bytes in (b"\x16", bytes(hello[:5]), bytes(hello)):
        one = socket.create_connection(("127.0.0.1", port), PATIENCE)
        one.sendall(first_bytes)
        begun.append(one)
    for one in begun:
        try:
            ended = one.recv(1) == b""
        except ConnectionError:
            ended = True
        except TimeoutError:
            ended = False
        check(ended, "half a handshake is ended")
        one.close()
    large = socket.create_connection(("127.0.0.1", port), PATIENCE)
    large.sendall(b"\x16\x03\x01\x40\x00\x01\x01\xff\xff" + b"x" * 1000)
    try:
        ended = large.recv(64)[:1] in (b"", b"\x15")
    except ConnectionError:
        ended = True
    check(ended, "a hello that announces 128 KiB is ended at once")
    large.close()


def idle(one, port):
    """What idle connections take, each of which was used."""
    context = ssl.create_default_context(cafile=ca.path)
    context.set_alpn_protocols(["h2"])
    before, connections = one.resident_kib(), []
    for number in range(IDLE):
        plain = socket.create_connection(("127.0.0.1", port), PATIENCE, source_address=(f"127.0.0.{2 + number % 4}", 0))
        secure = context.wrap_socket(plain, server_hostname="localhost")
        secure.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0\4\0\0\0\0\0")
        if not secure.recv(9):
            sys.exit("not ok - an idle connection was ended")
        connections.append(secure)
    channel = Channel(port, ca.path)
    check(channel.call(HEALTH) == SERVING, f"beside {IDLE} idle connections others are answered")
    channel.close()
    took = one.resident_kib() - before
    print(f"# {IDLE} idle connections: {took} KiB, {took / IDLE:.1f} KiB each")
    if not os.environ.get("LF_SANITIZED"):
        check(took < IDLE * 64, "idle connections take less than 64 KiB each", f"{took} KiB")
    for connection in connections:
        connection.close()


def main():
    use(first)
    write_tokens(LINES)
    one = Service(leadfitd, folder, "--http", "127.0.0.1:0", "--tls-certificate", own, "--tls-key", key, "--tokens", tokens)
    try:
        port = one.port("https")
        check("certificate of localhost, until 20" in one.text(), "the start says whose certificate it is and until when")
        versions_and_protocols(port)
        curl_and_certificates(port)
        revoking(one, port)
        all_or_nothing(one, port)
        under_load(one, port)
        half_done(port)
        idle(one, port)
        one.stop()
        expired_certificate()
        use(first)
        client_certificates()
        client_certificates_required()
        write_tokens(LINES)
        plain_from_elsewhere()
    finally:
        one.kill()
        subprocess.run(["rm", "-rf", folder], check=False)
    print(f"{common.failures} failures")
    sys.exit(common.failures != 0)


main()
