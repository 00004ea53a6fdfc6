#!/usr/bin/python3
"""gRPC as its Python users have it (Debian's python3-grpcio) against leadfitd, on a port and on a local socket.

    grpc_test.py LEADFITD SOURCE_FOLDER
"""
import hashlib
import sys
import threading
import time

import grpc
import yaml
from google.protobuf import json_format

import service as support
from service import Service, check

leadfitd, source = sys.argv[1:3]


def of(channel, method, request_type, reply_type):
    return channel.unary_unary("/" + method, request_serializer=request_type.SerializeToString,
                               response_deserializer=reply_type.FromString)


def example(scoring):
    request = scoring.ScoreRequest()
    for name in ("team", "project"):
        with open(f"{source}/service/examples/{name}.yaml") as file:
            json_format.ParseDict(yaml.safe_load(file), getattr(request, name))
    return request


def error_of(call):
    try:
        call()
    except grpc.RpcError as error:
        return error
    return None


def details_of(error, kinds):
    status = dict(error.trailing_metadata() or ()).get("grpc-status-details-bin")
    if status is None:
        return None
    # google.rpc.Status: code, message, and an Any; its value is the last text in it.
    from google.protobuf import any_pb2, descriptor_pb2, descriptor_pool, message_factory
    pool = descriptor_pool.Default()
    try:
        kind = pool.FindMessageTypeByName("google.rpc.Status")
    except KeyError:
        file = descriptor_pb2.FileDescriptorProto(name="google/rpc/status.proto", package="google.rpc", syntax="proto3",
                                                  dependency=["google/protobuf/any.proto"])
        message = file.message_type.add(name="Status")
        message.field.add(name="code", number=1, type=5, label=1)
        message.field.add(name="message", number=2, type=9, label=1)
        message.field.add(name="details", number=3, type=11, label=3, type_name=".google.protobuf.Any")
        assert any_pb2
        pool.Add(file)
        kind = pool.FindMessageTypeByName("google.rpc.Status")
    parsed = message_factory.MessageFactory(pool).GetPrototype(kind).FromString(status)
    detail = kinds.Error()
    check(parsed.details[0].Unpack(detail), "the detail of an error is a leadfit.v1.Error")
    return detail


def traces(channel, where, m):
    score = of(channel, "leadfit.v1.Scoring/Score", m.scoring.ScoreRequest, m.scoring.Decision)
    get = of(channel, "leadfit.v1.Decisions/Get", m.decisions.GetDecisionRequest, m.scoring.Decision)
    request = example(m.scoring)
    request.idempotency_key = "traces-" + where
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    sent = (("traceparent", f"00-{trace}-00f067aa0ba902b7-01"), ("tracestate", "vendor=value"))
    decision, call = score.with_call(request, timeout=30, metadata=sent)
    said = dict(call.initial_metadata())
    check(decision.trace_id == trace and said["traceparent"].split("-")[1] == trace and said["tracestate"] == "vendor=value",
          f"{where}: a decision belongs to its caller's trace, and so does the reply")
    stored = get(m.decisions.GetDecisionRequest(decision_id=decision.decision_id), timeout=30)
    check(stored.trace_id == trace, f"{where}: which is in the log")
    again, call = score.with_call(request, timeout=30)
    said = dict(call.initial_metadata())["traceparent"].split("-")[1]
    check(again.decision_id == decision.decision_id and again.trace_id == trace and said not in ("", trace),
          f"{where}: a repeated request gets what was stored, with the first one's trace")


def calls(channel, where, m):
    health = of(channel, "grpc.health.v1.Health/Check", m.health.HealthCheckRequest, m.health.HealthCheckResponse)
    score = of(channel, "leadfit.v1.Scoring/Score", m.scoring.ScoreRequest, m.scoring.Decision)
    check(health(m.health.HealthCheckRequest(), timeout=30).status == 1, f"{where}: health is SERVING")
    request = example(m.scoring)
    decision = score(request, timeout=30)
    check(len(decision.ranking) > 0 or decision.decision_id != "", f"{where}: the example team is scored")
    check(decision.team.id == "payments", f"{where}: the decision is the team's")

    request.team.members[0].evidence[0].rating.value = 99
    request.team.members[1].id = ""
    error = error_of(lambda: score(request, timeout=30))
    check(error is not None and error.code() == grpc.StatusCode.INVALID_ARGUMENT, f"{where}: an invalid request is INVALID_ARGUMENT")
    detail = details_of(error, m.error)
    check(detail is not None and len(detail.violations) >= 2, f"{where}: with each invalid field")
    check("rating" in error.details() or "member" in error.details(), f"{where}: and a message in words: {error.details()}")

    error = error_of(lambda: of(channel, "leadfit.v1.Scoring/Scor", m.scoring.ScoreRequest, m.scoring.Decision)(m.scoring.ScoreRequest(), timeout=30))
    check(error.code() == grpc.StatusCode.UNIMPLEMENTED and "nearest" in error.details(), f"{where}: a method that is not there is UNIMPLEMENTED")
    error = error_of(lambda: score(example(m.scoring), timeout=0.000001))
    check(error.code() == grpc.StatusCode.DEADLINE_EXCEEDED, f"{where}: a deadline that has passed is DEADLINE_EXCEEDED")

    request = example(m.scoring)
    reply, call = score.with_call(request, timeout=30, metadata=(("request-id", "r-77"), ("x-other", "a b")))
    check(dict(call.initial_metadata()).get("request-id") == "r-77", f"{where}: a request's id comes back")
    error = error_of(lambda: score(example(m.scoring), timeout=30, compression=grpc.Compression.Gzip))
    check(error is not None and error.code() == grpc.StatusCode.UNIMPLEMENTED, f"{where}: a compressed request is refused as such")


def large(channel, m):
    """A message of 2 MiB goes in; and one of more than 4 MiB is refused, and the connection stays."""
    score = channel.unary_unary("/leadfit.v1.Scoring/Score", request_serializer=lambda b: b, response_deserializer=lambda b: b)
    request = example(m.scoring)
    evidence = request.team.members[0].evidence[0]
    evidence.note = "x" * 4096
    for member in request.team.members:
        while len(member.evidence) < 250 and request.ByteSize() < 2 * 1024 * 1024:
            member.evidence.add().CopyFrom(evidence)
    check(request.ByteSize() > 2 * 1024 * 1024, "a request has 2 MiB")
    error = error_of(lambda: score(request.SerializeToString(), timeout=60))
    check(error is None or error.code() == grpc.StatusCode.INVALID_ARGUMENT, f"it is read as a whole: {error and error.code()}")
    error = error_of(lambda: score(b"\x0a" + b"\xff" * (5 * 1024 * 1024), timeout=60))
    check(error.code() == grpc.StatusCode.RESOURCE_EXHAUSTED, f"one of 5 MiB is RESOURCE_EXHAUSTED: {error.details()}")


def many(channel, m, count):
    health = of(channel, "grpc.health.v1.Health/Check", m.health.HealthCheckRequest, m.health.HealthCheckResponse)
    score = of(channel, "leadfit.v1.Scoring/Score", m.scoring.ScoreRequest, m.scoring.Decision)
    request = example(m.scoring)
    futures = [score.future(request, timeout=120) for _ in range(count)]
    right = sum(future.result().team.id == "payments" for future in futures)
    check(right == count, f"of {count} calls at once all are answered: {right}")
    futures = [score.future(request, timeout=120) for _ in range(200)]
    for future in futures:
        future.cancel()
    check(health(m.health.HealthCheckRequest(), timeout=60).status == 1, "after 200 that were cancelled the next is answered")


def tokens(m):
    """Roles by token; after a wrong one the client comes back by itself."""
    import os
    import tempfile
    with tempfile.NamedTemporaryFile("w", suffix=".tokens", delete=False) as file:
        file.write(f"hr {hashlib.sha256(b'right').hexdigest()} read,score\n")
        file.write(f"intern {hashlib.sha256(b'seldom').hexdigest()} read,score requests_per_second=1\n")
    os.chmod(file.name, 0o600)
    service = Service(leadfitd, "--tokens", file.name)
    with grpc.insecure_channel(service.http) as channel:
        score = of(channel, "leadfit.v1.Scoring/Score", m.scoring.ScoreRequest, m.scoring.Decision)
        request = example(m.scoring)
        check(score(request, timeout=60, metadata=(("authorization", "Bearer right"),)).team.id == "payments", "with a token it is answered")
        check(error_of(lambda: score(request, timeout=60)).code() == grpc.StatusCode.UNAUTHENTICATED, "without one it is UNAUTHENTICATED")
        for _ in range(3):
            error = error_of(lambda: score(request, timeout=60, metadata=(("authorization", "Bearer wrong"),)))
            check(error.code() in (grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.UNAVAILABLE), f"with a wrong one: {error.code()}")
        check(score(request, timeout=60, wait_for_ready=True, metadata=(("authorization", "Bearer right"),)).team.id == "payments", "and then again with the right one")
        error = None
        for _ in range(100): # the first second's worth may pass; on a slow machine another's, too
            error = error_of(lambda: score(request, timeout=60, metadata=(("authorization", "Bearer seldom"),)))
            if error is not None:
                break
        pushback = dict(error.trailing_metadata()).get("grpc-retry-pushback-ms", "none") if error else "no error"
        check(pushback.isdigit() and 1 <= int(pushback) <= 1001, f"who is too fast is told when to come back: {pushback} ms")
    service.end()
    os.unlink(file.name)


def stopping(m):
    """Calls that are in when it is stopped are answered."""
    service = Service(leadfitd)
    results = []
    with grpc.insecure_channel(service.http) as channel:
        score = of(channel, "leadfit.v1.Scoring/Score", m.scoring.ScoreRequest, m.scoring.Decision)
        request = example(m.scoring)
        score(request, timeout=60)
        lock = threading.Lock()

        def go():
            while True:
                error = error_of(lambda: score(request, timeout=60))
                with lock:
                    results.append(error.code() if error else None)
                if error:
                    return
        threads = [threading.Thread(target=go) for _ in range(8)]
        for thread in threads:
            thread.start()
        time.sleep(1)
        service.end()
        for thread in threads:
            thread.join()
    answered = results.count(None)
    others = set(results) - {None}
    check(answered > 0 and others == {grpc.StatusCode.UNAVAILABLE}, f"a stop under load loses no call: {answered} answered, then {others}")


class Messages:
    def __init__(self, service):
        support.messages(source, service.folder)
        import importlib
        self.health = importlib.import_module("grpc.health.v1.health_pb2")
        self.scoring = importlib.import_module("leadfit.v1.scoring_pb2")
        self.decisions = importlib.import_module("leadfit.v1.decisions_pb2")
        self.error = importlib.import_module("leadfit.v1.error_pb2")


def main():
    service = Service(leadfitd)
    m = Messages(service)
    for where in (service.http, "unix:" + service.path):
        with grpc.insecure_channel(where) as channel:
            calls(channel, where.split(":")[0], m)
            traces(channel, where.split(":")[0], m)
    with grpc.insecure_channel(service.http, options=[("grpc.max_send_message_length", -1)]) as channel:
        large(channel, m)
        many(channel, m, 1000)
    service.end()
    tokens(m)
    stopping(m)
    return support.failures != 0


sys.exit(main())
