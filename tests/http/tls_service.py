"""A leadfitd with TLS, certificates made by openssl, and clients, for the tests in this folder."""
import fcntl
import os
import re
import signal
import socket
import struct
import subprocess
import sys
import time

import grpc

PATIENCE = 60  # seconds that anything may take
failures = 0


def check(holds, what, more=""):
    global failures
    print(("ok - " if holds else "not ok - ") + what + ("" if holds or not more else f" ({more})"), flush=True)
    failures += not holds
    return holds


def wait_until(holds, what):
    """Until holds() is true; fails where that takes too long."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        value = holds()
        if value:
            return value
        time.sleep(0.02)
    sys.exit(f"not ok - {what}: it did not happen within {PATIENCE} s")


# ---- certificates ----

def openssl(*words, may_fail=False, data=b""):
    done = subprocess.run(["openssl", *words], input=data, capture_output=True, timeout=PATIENCE)
    if done.returncode != 0 and not may_fail:
        sys.exit(f"openssl {' '.join(words)}: {done.stderr.decode()}")
    return done


class Authority:
    """Signs certificates, by openssl. Files are NAME.pem and NAME.key in the folder."""

    def __init__(self, folder, name):
        self.folder, self.name, self.path, self.config = folder, name, f"{folder}/{name}.pem", f"{folder}/{name}.conf"
        put(f"{folder}/{name}.index", b"")
        put(self.config, f"[ca]\ndefault_ca=own\n[own]\ndatabase={folder}/{name}.index\nunique_subject=no\nnew_certs_dir={folder}\n"
            "rand_serial=yes\ndefault_md=sha256\npolicy=any\n[any]\ncommonName=optional\n".encode())
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", f"/CN={name}",
                "-keyout", f"{folder}/{name}.key", "-out", self.path, "-addext", "basicConstraints=critical,CA:TRUE",
                "-addext", "keyUsage=critical,keyCertSign,cRLSign")

    def sign(self, name, subject="/CN=leadfit", alternative="DNS:localhost,IP:127.0.0.1", usage="serverAuth", days=2):
        """Returns the paths of the certificate and its key. days below 0: it has expired."""
        own, key, request, extensions = (f"{self.folder}/{name}.{ending}" for ending in ("pem", "key", "csr", "ext"))
        openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", subject, "-keyout", key, "-out", request)
        with open(extensions, "w", encoding="utf-8") as file:
            # Python 3.13 is strict: a certificate says whose it is, an authority's what it may.
            file.write(f"subjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\nextendedKeyUsage={usage}\n" +
                       (f"subjectAltName={alternative}\n" if alternative else ""))
        # "x509 -req" of OpenSSL 3.5 makes none that has expired, and only there can it be told the two dates.
        first, last = (time.strftime("%Y%m%d%H%M%SZ", time.gmtime(time.time() + 86400 * day)) for day in (min(0, days) - 1, days))
        openssl("ca", "-batch", "-notext", "-config", self.config, "-cert", self.path, "-keyfile",
                f"{self.folder}/{self.name}.key", "-startdate", first, "-enddate", last, "-extfile", extensions, "-in", request, "-out", own)
        os.chmod(key, 0o600)
        return own, key


def own_address():
    """An address of this machine that is not loopback's, as another one would use it; None: there is none."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asked:
        for _, name in socket.if_nameindex():
            try:  # SIOCGIFADDR
                found = fcntl.ioctl(asked.fileno(), 0x8915, struct.pack("256s", name.encode()[:15]))
            except OSError:
                continue
            address = socket.inet_ntoa(found[20:24])
            if not address.startswith("127."):
                return address
    return None


def put(path, *sources):
    """Replaces a file by these, one behind the other, at once."""
    beside = path + ".new"
    with open(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        for source in sources:
            file.write(source if isinstance(source, bytes) else open(source, "rb").read())
    os.rename(beside, path)


# ---- the service ----

class Service:
    def __init__(self, leadfitd, folder, *options):
        self.said = f"{folder}/said"
        self.url = f"ipc://{folder}/socket"
        with open(self.said, "wb") as said:
            self.process = subprocess.Popen([leadfitd, "--db", f"{folder}/log.db", "--listen", self.url, "--log", "text", *options], stderr=said)
        self.pid = self.process.pid
        wait_until(lambda: " ready: " in self.text() or self.process.poll() is not None, "the service is ready")
        if self.process.poll() is not None:
            sys.exit("not ok - it did not start: " + self.text())

    def text(self):
        with open(self.said, encoding="utf-8") as file:
            return file.read()

    def port(self, scheme):
        """Of the first address that was listened on with this scheme."""
        return int(re.search(rf"listening on {re.escape(scheme)}://\S*:(\d+)", self.text()).group(1))

    def reload(self):
        """SIGHUP. Returns the line that it says."""
        before = len(self.text())
        os.kill(self.pid, signal.SIGHUP)
        return wait_until(lambda: re.search(r"(?: info | reload_refused: )(.*reload.*)\n", self.text()[before:]), "a line about the reload").group(1)

    def resident_kib(self):
        with open(f"/proc/{self.pid}/status", encoding="utf-8") as status:
            return int(re.search(r"VmRSS:\s+(\d+)", status.read()).group(1))

    def stop(self):
        self.process.terminate()
        status = self.process.wait(PATIENCE)
        check(status == 0, "the service ends well", f"status {status}: {self.text()[-2000:]}")

    def kill(self):
        self.process.kill()
        self.process.wait()


# ---- calls ----

def message(source, kind, text):
    """Bytes of a message that is written in protobuf's text format."""
    done = subprocess.run(["protoc", f"-I{source}/proto", f"--encode=leadfit.v1.{kind}", "leadfit/v1/scoring.proto"], input=text.encode(),
                          capture_output=True, check=True, timeout=PATIENCE)
    return done.stdout


class Channel:
    """Calls by gRPC; answers are bytes, or a code by its name."""

    def __init__(self, port, root, own=None, key=None, host="localhost"):
        def read(path):
            return open(path, "rb").read() if path else None
        credentials = grpc.ssl_channel_credentials(read(root), read(key), read(own))
        self.channel = grpc.secure_channel(f"127.0.0.1:{port}", credentials, (
            ("grpc.ssl_target_name_override", host), ("grpc.enable_http_proxy", 0), ("grpc.use_local_subchannel_pool", 1)))

    def call(self, method, request=b"", token=None, timeout=PATIENCE):
        metadata = (("authorization", "Bearer " + token),) if token else None
        try:
            return self.channel.unary_unary("/" + method)(request, timeout=timeout, metadata=metadata)
        except grpc.RpcError as error:
            return f"{error.code().name}: {error.details()}"

    def close(self):
        self.channel.close()


class Nng:
    """One connection of the SP protocol over a local socket (proto/README.md)."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(PATIENCE)
        self.socket.connect(path)
        self.socket.sendall(b"\0SP\0\0\x30\0\0")
        self.take(8)
        self.last = 0

    def take(self, count):
        data = b""
        while len(data) < count:
            more = self.socket.recv(count - len(data))
            if not more:
                raise OSError("the connection has ended")
            data += more
        return data

    def call(self, method, request=b"", token=None):
        """The status of the reply."""
        self.last += 1
        entries = b""
        if token:
            key, value = b"authorization", b"Bearer " + token.encode()
            entries = struct.pack(">BH", len(key), len(value)) + key + value
        frame = struct.pack(">2sBBIBBH", b"LF", 1, 0, 0, len(method), 1 if token else 0, len(entries)) + method.encode() + entries + request
        body = struct.pack(">I", 0x80000000 | self.last) + frame
        self.socket.sendall(b"\1" + struct.pack(">Q", len(body)) + body)
        self.take(1)
        reply = self.take(struct.unpack(">Q", self.take(8))[0])
        return struct.unpack(">I", reply[8:12])[0]

    def close(self):
        self.socket.close()
