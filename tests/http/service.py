"""A leadfitd of one's own for the tests of this folder, and their way of saying what holds."""
import os
import re
import subprocess
import sys
import tempfile
import time

failures = 0


def check(holds, what):
    global failures
    print(("ok - " if holds else "not ok - ") + what, flush=True)
    failures += not holds


class Service:
    """leadfitd with HTTP on a port (self.http, HOST:PORT) and on a local socket (self.path)."""

    def __init__(self, leadfitd, *options):
        self.directory = tempfile.TemporaryDirectory(prefix="lf_http_")
        self.folder = self.directory.name
        self.path = f"{self.folder}/http"
        self.said = f"{self.folder}/said"
        with open(self.said, "wb") as said:
            self.process = subprocess.Popen(
                [leadfitd, "--db", f"{self.folder}/log.db", "--listen", f"ipc://{self.folder}/nng", "--http", "127.0.0.1:0",
                 "--http", f"unix:{self.path}", "--log", "text", *options], stderr=said)
        self.pid = self.process.pid
        while " ready: " not in self.text():
            if self.process.poll() is not None:
                sys.exit("it did not start: " + self.text())
            time.sleep(0.05)
        self.http = re.search(r"listening on https?://(127\.0\.0\.1:\d+)", self.text()).group(1)
        self.host, self.port = self.http.split(":")[0], int(self.http.split(":")[1])

    def text(self):
        with open(self.said) as said:
            return said.read()

    def rss_mib(self):
        with open(f"/proc/{self.pid}/status") as status:
            return int(re.search(r"VmRSS:\s*(\d+)", status.read()).group(1)) / 1024

    def peak_mib(self):
        with open(f"/proc/{self.pid}/status") as status:
            return int(re.search(r"VmHWM:\s*(\d+)", status.read()).group(1)) / 1024

    def end(self):
        self.process.terminate()
        check(self.process.wait(30) == 0, "the service ends well")
        if self.process.returncode != 0:
            print(self.text())
        self.directory.cleanup()


def messages(source, folder):
    """Makes Python of the .proto files below folder/made, and puts it on the path."""
    made, proto = f"{folder}/made", os.path.join(source, "proto")
    os.makedirs(made, exist_ok=True)
    names = [os.path.relpath(os.path.join(where, name), proto) for top in ("leadfit", "grpc")
             for where, _, files in os.walk(os.path.join(proto, top)) for name in files if name.endswith(".proto")]
    subprocess.run(["protoc", f"-I{proto}", f"--python_out={made}", *names], check=True)
    sys.path.insert(0, made)
    # grpc/health is below the name of a package that is there already.
    import grpc
    if os.path.isdir(f"{made}/grpc"):
        grpc.__path__.append(f"{made}/grpc")
