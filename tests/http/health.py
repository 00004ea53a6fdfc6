"""Whether others are answered meanwhile."""
import socket
import threading
import time

from frames import HEALTH, PREFACE, SETTINGS, call, ended, frame
from service import check


def healthy(service, local=False):
    """Health by a new connection, of the local socket or not. The grpc-status, or what went wrong."""
    peer = socket.socket(socket.AF_UNIX if local else socket.AF_INET)
    peer.settimeout(30)
    try:
        peer.connect(service.path if local else (service.host, service.port))
        peer.sendall(PREFACE + frame(SETTINGS, 0, 0) + call(1, HEALTH))
        got = b""
        while True:
            piece = peer.recv(65536)
            if not piece:
                return "closed: " + repr(got[-80:])
            got += piece
            if b"\0\0\0\0\2\x08\x01" in got:
                return "SERVING"
            if ended(got, 1):
                return "answered: " + repr(got[-200:])
    except OSError as error:
        return repr(error)
    finally:
        peer.close()


class Watch(threading.Thread):
    """Asks for health on both sockets, again and again, while an attack lasts."""

    def __init__(self, service):
        super().__init__(daemon=True)
        self.service, self.over, self.answers, self.slowest = service, threading.Event(), [], 0.0
        self.start()

    def run(self):
        while not self.over.is_set():
            for local in (False, True):
                start = time.monotonic()
                self.answers.append(healthy(self.service, local))
                self.slowest = max(self.slowest, time.monotonic() - start)
            time.sleep(0.05)

    def end(self, what):
        self.over.set()
        self.join()
        wrong = [answer for answer in self.answers if answer != "SERVING"]
        check(len(self.answers) >= 2 and not wrong,
              f"{what}: {len(self.answers)} health checks of others are answered (the slowest took {self.slowest:.2f} s){': ' + repr(wrong[:2]) if wrong else ''}")
