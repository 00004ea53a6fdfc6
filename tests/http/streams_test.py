#!/usr/bin/python3
"""Streams as gRPC's Python users have them (Debian's python3-grpcio) against leadfitd: Decisions/Watch, Health/Watch, reflection.

    streams_test.py LEADFITD SOURCE_FOLDER
"""
import base64
import queue
import socket
import struct
import sys
import threading

import grpc

import service as support
from service import Service, check

leadfitd, source = sys.argv[1:3]


class Calls:
    def __init__(self, service, options=()):
        self.channel = grpc.insecure_channel(f"unix:{service.path}", options=options)

    def of(self, kind, method, reply_type):
        return getattr(self.channel, kind)(
            "/" + method, request_serializer=lambda m: m.SerializeToString(), response_deserializer=reply_type.FromString)

    def watch(self, request):
        return self.of("unary_stream", "leadfit.v1.Decisions/Watch", decisions.WatchResponse)(request)

    def score(self, team):
        request = scoring.ScoreRequest()
        request.team.id = team
        for name in ("a", "b"):
            request.team.members.add().id = name
        request.project.id = "p"
        return self.of("unary_unary", "leadfit.v1.Scoring/Score", scoring.Decision)(request, timeout=60)


def end_of(stream):
    try:
        for _ in stream:
            pass
        return stream.code(), ""
    except grpc.RpcError as error:
        return error.code(), error.details()


def follows(calls):
    """What is there, then what is new, in order, with nothing left out; and who did not read for a while gets all of it, too."""
    calls.score("first")
    stream = calls.watch(decisions.WatchRequest())
    check(next(stream).decision.team.id == "first", "Watch begins with what is there")
    sign = next(stream)
    check(sign.next == 2 and not sign.HasField("decision"), "and says that there is no more")
    slow = [calls.watch(decisions.WatchRequest()) for _ in range(4)]
    threads = [threading.Thread(target=lambda: [calls.score("t") for _ in range(150)]) for _ in range(3)]
    for thread in threads:
        thread.start()
    for name, one, last in [("Watch", stream, 1)] + [("a slow Watch", one, 0) for one in slow]:
        in_order = True
        while last < 451:
            answer = next(one)
            if answer.HasField("decision"):
                in_order &= answer.sequence == last + 1 and answer.next == answer.sequence + 1
                last = answer.sequence
        check(in_order, f"{name} has each decision, in order")
    for thread in threads:
        thread.join()
    for one in slow:
        one.cancel()
    request = decisions.WatchRequest(from_sequence=451, brief=True)
    answer = next(calls.watch(request))
    check(answer.sequence == 451 and not answer.decision.ranking, "from_sequence goes on, brief leaves out")
    code, text = end_of(calls.watch(decisions.WatchRequest(from_sequence=99999)))
    check(code == grpc.StatusCode.OUT_OF_RANGE and "99999" in text, "a sequence beyond the log is OUT_OF_RANGE")
    code, _ = end_of(calls.watch(decisions.WatchRequest(from_sequence=7, new_only=True)))
    check(code == grpc.StatusCode.INVALID_ARGUMENT, "an invalid request is INVALID_ARGUMENT")
    return stream


def shares(service):
    """One caller has so many streams, a connection its share of them, and beside them calls are answered."""
    many = [Calls(service, (("grpc.use_local_subchannel_pool", 1),)) for _ in range(5)]
    open_ones, refused = [], None
    for i in range(80):
        stream = many[i % 5].watch(decisions.WatchRequest(new_only=True))
        try:
            next(stream)
            open_ones.append(stream)
        except grpc.RpcError as error:
            refused = error
            break
    check(refused is not None and refused.code() == grpc.StatusCode.RESOURCE_EXHAUSTED and "64" in refused.details(),
          f"after {len(open_ones)} streams of one caller the next is RESOURCE_EXHAUSTED")
    check(many[0].score("beside").team.id == "beside", "beside them a call is answered")
    for stream in open_ones:
        check(next(stream).decision.team.id == "beside", "and each stream tells of it")
        stream.cancel()


def reflects(calls):
    questions, kinds = queue.Queue(), reflection
    answers = calls.of("stream_stream", "grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
                       kinds.ServerReflectionResponse)(iter(questions.get, None))
    questions.put(kinds.ServerReflectionRequest(list_services=""))
    names = [one.name for one in next(answers).list_services_response.service]
    check("leadfit.v1.Scoring" in names, "reflection lists services")
    questions.put(kinds.ServerReflectionRequest(file_containing_symbol="leadfit.v1.Scoring.Score"))
    check(len(next(answers).file_descriptor_response.file_descriptor_proto) > 3, "and gives files, on the same stream")
    questions.put(kinds.ServerReflectionRequest(file_by_filename="nope"))
    check(next(answers).error_response.error_code == 5, "what is not there is an answer, too")
    questions.put(None)
    check(not list(answers) and answers.code() == grpc.StatusCode.OK, "and it ends with its questions")
    old = calls.of("stream_stream", "grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo", kinds.ServerReflectionResponse)
    check(len(list(old(iter([kinds.ServerReflectionRequest(list_services="")] * 3)))) == 3, "v1alpha answers three at once")


class Web:
    """A stream of gRPC-Web over HTTP/1.1, as a page in a browser has it: frames, in chunks, in base64 where kind says text."""

    def __init__(self, service, kind, method, request):
        message = request.SerializeToString()
        body = b"\0" + struct.pack(">I", len(message)) + message
        self.text = "text" in kind
        if self.text:
            body = base64.b64encode(body)
        self.socket = socket.create_connection((service.host, service.port), timeout=60)
        self.socket.sendall(f"POST /{method} HTTP/1.1\r\nhost: {service.http}\r\ncontent-type: {kind}\r\n"
                            f"content-length: {len(body)}\r\n\r\n".encode() + body)
        self.file = self.socket.makefile("rb")
        self.status = int(self.file.readline().split()[1])
        self.headers = {}
        while (line := self.file.readline().strip()) != b"":
            name, _, value = line.decode().partition(":")
            self.headers[name.lower()] = value.strip()
        self.coded, self.bytes, self.ended = b"", b"", False

    def read(self):
        """Another chunk."""
        length = int(self.file.readline(), 16)
        data = self.file.read(length)
        if self.file.read(2) != b"\r\n":
            sys.exit("not ok - a chunk ends with CRLF")
        self.ended = length == 0
        if self.text:
            self.coded += data
            while len(self.coded) >= 4:  # a frame's end is padded, amid the stream
                self.bytes += base64.b64decode(self.coded[:4], validate=True)
                self.coded = self.coded[4:]
        else:
            self.bytes += data

    def frame(self):
        """Flags and message, or None at the end."""
        while not self.ended and (len(self.bytes) < 5 or len(self.bytes) < 5 + struct.unpack(">I", self.bytes[1:5])[0]):
            self.read()
        if not self.bytes:
            return None
        flags, length = struct.unpack(">BI", self.bytes[:5])
        message, self.bytes = self.bytes[5:5 + length], self.bytes[5 + length:]
        return flags, message


def web_follows(service, calls, kind):
    """Watch in a browser's words: what is there, in order, then what is new. Gives the stream, which is open."""
    web = Web(service, kind, "leadfit.v1.Decisions/Watch", decisions.WatchRequest(brief=True))
    check(web.status == 200 and web.headers["content-type"].startswith(kind) and web.headers["transfer-encoding"] == "chunked",
          f"{kind} over HTTP/1.1 is chunked")
    last, in_order, sign = 0, True, None
    while sign is None:
        flags, message = web.frame()
        answer = decisions.WatchResponse.FromString(message)
        in_order &= flags == 0
        if answer.HasField("decision"):
            in_order &= answer.sequence == last + 1
            last = answer.sequence
        else:
            sign = answer
    check(in_order and last > 450 and sign.next == last + 1, f"all of {last} decisions come in order")
    for i in range(3):
        calls.score(f"web-{i}")
        flags, message = web.frame()
        answer = decisions.WatchResponse.FromString(message)
        check(flags == 0 and answer.sequence == last + 1 + i and answer.decision.team.id == f"web-{i}", "then each new one")
    return web


def web_ends(web):
    """The frame of the trailers is the last, and there is one."""
    frames = []
    while (frame := web.frame()) is not None:
        frames.append(frame)
    flags, trailers = frames[-1]
    check(flags == 0x80 and b"grpc-status: 14\r\n" in trailers and b"grpc-message: the service is stopping\r\n" in trailers,
          f"the last frame has the trailers: {trailers}")
    check(all(flags == 0 for flags, _ in frames[:-1]) and web.ended and not web.bytes, "and no other one, and nothing follows")
    web.socket.close()


def main():
    service = Service(leadfitd)
    calls = Calls(service)
    stream = follows(calls)
    webs = [web_follows(service, calls, kind) for kind in ("application/grpc-web+proto", "application/grpc-web-text")]
    shares(service)
    reflects(calls)
    watched = calls.of("unary_stream", "grpc.health.v1.Health/Watch", health.HealthCheckResponse)(health.HealthCheckRequest())
    check(next(watched).status == 1, "Health/Watch says SERVING")
    service.end()
    try:
        for _ in watched:
            pass
    except grpc.RpcError as error:
        check(error.code() == grpc.StatusCode.UNAVAILABLE, "at a stop it ends with UNAVAILABLE")
    for web in webs:
        web_ends(web)
    code, text = end_of(stream)
    check(code == grpc.StatusCode.UNAVAILABLE and "stopping" in text, f"and so does Watch: {text}")
    sys.exit(1 if support.failures else 0)


if __name__ == "__main__":
    import tempfile
    with tempfile.TemporaryDirectory() as folder:
        support.messages(source, folder)
        from leadfit.v1 import decisions_pb2 as decisions, scoring_pb2 as scoring
        from grpc.health.v1 import health_pb2 as health
        from grpc.reflection.v1 import reflection_pb2 as reflection
        main()
