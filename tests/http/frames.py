"""HTTP/2 as bytes, for peers that no library would be."""
import struct

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, PRIORITY, RST, SETTINGS, PING, GOAWAY, WINDOW, CONTINUATION = 0, 1, 2, 3, 4, 6, 7, 8, 9


def frame(kind, flags, stream, payload=b""):
    return struct.pack(">I", len(payload))[1:] + bytes((kind, flags)) + struct.pack(">I", stream) + payload


def literal(name, value):
    def text(t):
        t = t.encode() if isinstance(t, str) else t
        if len(t) < 127:
            return bytes((len(t),)) + t
        rest, out = len(t) - 127, bytes((127,))
        while rest >= 128:
            out += bytes((rest % 128 + 128,))
            rest //= 128
        return out + bytes((rest,)) + t
    return b"\0" + text(name) + text(value)


def head(path, *more):
    fields = [(":method", "POST"), (":scheme", "http"), (":path", path), (":authority", "localhost"), ("content-type", "application/grpc"),
              ("te", "trailers"), *more]
    return b"".join(literal(*field) for field in fields)


DESCRIBE, HEALTH = "/leadfit.v1.Describe/Describe", "/grpc.health.v1.Health/Check"


def call(stream, path, body=b"\0\0\0\0\0"):
    return frame(HEADERS, 4, stream, head(path)) + frame(DATA, 1, stream, body)


def ended(got, stream):
    """Whether a stream has ended in these frames: END_STREAM or RST_STREAM."""
    while len(got) >= 9:
        length, kind, flags, of = int.from_bytes(got[:3], "big"), got[3], got[4], int.from_bytes(got[5:9], "big")
        if of == stream and (kind == RST or kind in (DATA, HEADERS) and flags & 1):
            return True
        got = got[9 + length:]
    return False


def frames_at(data):
    """Where the whole frames in it begin."""
    at, found = 0, []
    while at + 9 <= len(data):
        found.append(at)
        at += 9 + int.from_bytes(data[at:at + 3], "big")
    return found
