#!/usr/bin/python3
"""What the service says of its own interface, held against what it does.

    tests/service/interface_test.py LEADFIT LEADFITD OPENAPI.JSON

The OpenAPI page: every reference leads somewhere, every method with one reply is there and no other one, each schema is
one, and what the service takes and answers fits the schemas. Reflection: protobuf's own descriptor pool takes what it
gives, in the order in which it gives it.
"""
import base64
import copy
import json
import os
import subprocess
import sys
import tempfile
import time

import jsonschema
from google.protobuf import descriptor_pb2, descriptor_pool

LEADFIT, LEADFITD, OPENAPI = sys.argv[1:4]
STREAMS = {"leadfit.v1.Decisions/Watch", "grpc.health.v1.Health/Watch"}
REFLECTION = {f"grpc.reflection.{v}.ServerReflection/ServerReflectionInfo" for v in ("v1", "v1alpha")}

SCORE = {
    "team": {"id": "payments", "members": [
        {"id": "m-1", "discipline": "BACKEND", "availability": 0.8, "expertise": {"FRONTEND": 0.5},
         "evidence": [{"criterion": "architecture", "rating": 4.5, "source": "PEER", "observedOn": "2026-05-01"}]},
        {"id": "m-2", "discipline": "FRONTEND"}]},
    "project": {"id": "checkout", "traits": {"interaction_focus": 0.9}},
    "asOf": "2026-06-01T12:00:00Z", "purpose": "DECISION", "detail": "ALL"}

passed = 0


def claim(text, holds, detail=""):
    global passed
    if not holds:
        sys.exit(f"FAILED: {text} {detail}")
    passed += 1


class Service:
    """A service over a log of its own, ended with the test."""

    def __enter__(self):
        self.folder = tempfile.TemporaryDirectory()
        self.url = f"ipc://{self.folder.name}/s"
        self.log = open(f"{self.folder.name}/stderr", "w+", encoding="utf-8")
        self.process = subprocess.Popen(
            [LEADFITD, "--db", f"{self.folder.name}/log.db", "--listen", self.url], stderr=self.log)
        while not os.path.exists(f"{self.folder.name}/s"):
            if self.process.poll() is not None:
                sys.exit(f"the service does not start: {open(self.log.name, encoding='utf-8').read()}")
            time.sleep(0.05)
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()
        self.log.close()
        self.folder.cleanup()

    def run(self, method, request):
        return subprocess.run([LEADFIT, "--server", self.url, "call", method, "-"], input=json.dumps(request),
                              capture_output=True, text=True, check=False)

    def call(self, method, request):
        done = self.run(method, request)
        claim(f"{method} is answered", done.returncode == 0, done.stderr)
        return json.loads(done.stdout)


def references(value):
    if isinstance(value, dict):
        for key, inner in value.items():
            if key == "$ref":
                yield inner
            else:
                yield from references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from references(inner)


def check_structure(page):
    claim("the page is OpenAPI 3.1", page["openapi"] == "3.1.0" and page["info"]["title"] == "leadfit")
    schemas = page["components"]["schemas"]
    for reference in references(page):
        claim("a reference leads to a schema", reference.removeprefix("#/components/schemas/") in schemas, reference)
    for name, schema in schemas.items():
        jsonschema.Draft202012Validator.check_schema(schema)
        claim("a schema has a type", schema["type"] in ("object", "string"), name)
    used = {reference.rsplit("/", 1)[1] for reference in references(page)}
    claim("no schema is without use", set(schemas) <= used, set(schemas) - used)
    tags = {tag["name"] for tag in page["tags"]}
    ids = set()
    for path, item in page["paths"].items():
        claim("a path has one operation", list(item) == ["post"], path)
        post = item["post"]
        claim("its tag is there", set(post["tags"]) <= tags, path)
        claim("its id is its own", post["operationId"] not in ids, path)
        ids.add(post["operationId"])
        claim("it has a request, a reply and an error", "requestBody" in post and {"200", "default"} == set(post["responses"]))
    claim("a comment is a description", "NOT_FOUND" in page["paths"]["/leadfit.v1.Decisions/Get"]["post"]["description"])
    claim("a number of 64 bits is a text", schemas["leadfit.v1.ExportRequest"]["properties"]["fromSequence"]["type"] == "string")
    claim("an instant is a text", schemas["leadfit.v1.Decision"]["properties"]["decidedAt"]["format"] == "date-time")
    claim("a wrapper may be null", schemas["leadfit.v1.Evidence"]["properties"]["rating"]["type"] == ["number", "null"])
    claim("an enum has its names", "TOO_CLOSE" in schemas["leadfit.v1.Outcome"]["enum"])
    claim("a map is an object", schemas["leadfit.v1.Project"]["properties"]["traits"]["additionalProperties"]["type"] == "number")


def close(value):
    """The same page with objects that have no other fields than those that they name."""
    if isinstance(value, dict):
        if value.get("type") == "object" and "properties" in value:
            value["additionalProperties"] = False
        for inner in value.values():
            close(inner)
    elif isinstance(value, list):
        for inner in value:
            close(inner)
    return value


def faults(page, name, value):
    schema = {"$ref": f"#/components/schemas/{name}", **{"components": page["components"]}}
    return [error.message for error in jsonschema.Draft202012Validator(schema).iter_errors(value)]


def fits(page, method, request, reply):
    post = page["paths"]["/" + method]["post"]
    for what, value, content in (("request", request, post["requestBody"]), ("reply", reply, post["responses"]["200"])):
        name = content["content"]["application/json"]["schema"]["$ref"].rsplit("/", 1)[1]
        found = faults(page, name, value)
        claim(f"the {what} of {method} fits its schema", not found, found[:3])


def check_calls(page, service):
    closed = close(copy.deepcopy(page))
    described = service.call("leadfit.v1.Describe/Describe", {})
    unary = set(described["methods"]) - STREAMS - REFLECTION
    claim("streams are described", STREAMS | REFLECTION <= set(described["methods"]))
    claim("the page has each method with one reply", {"/" + name for name in unary} == set(page["paths"]))
    decision = service.call("leadfit.v1.Scoring/Score", SCORE)
    fits(closed, "leadfit.v1.Scoring/Score", SCORE, decision)
    some = {"decisionId": decision["decisionId"]}
    for method, request in (
            ("leadfit.v1.Describe/Describe", {}), ("grpc.health.v1.Health/Check", {}),
            ("leadfit.v1.Decisions/Get", some), ("leadfit.v1.Decisions/List", {"pageSize": 5, "team": "payments"}),
            ("leadfit.v1.Decisions/Export", {"fromSequence": "1", "selection": {"since": "2026-01-01T00:00:00Z"}}),
            ("leadfit.v1.Scoring/Profile", {"project": SCORE["project"]}),
            ("leadfit.v1.Scoring/Sweep", {"team": SCORE["team"], "project": SCORE["project"], "trait": "interaction_focus"}),
            ("leadfit.v1.Rubrics/List", {}), ("leadfit.v1.Rubrics/Get", {"name": "tech-lead"}),
            ("leadfit.v1.Rubrics/History", {}), ("leadfit.v1.Audit/Verify", {}), ("leadfit.v1.Audit/Prove", some),
            ("leadfit.v1.Jobs/List", {})):
        fits(closed, method, request, service.call(method, request))
    wrong = copy.deepcopy(SCORE)
    wrong["team"]["members"][0]["evidence"][0]["rating"] = "high"
    claim("what is refused does not fit", faults(closed, "leadfit.v1.ScoreRequest", wrong))
    claim("and is refused", service.run("leadfit.v1.Scoring/Score", wrong).returncode == 2)
    claim("an unknown field does not fit", faults(closed, "leadfit.v1.ScoreRequest", {"teem": {}}))


def check_reflection(service):
    for method in sorted(REFLECTION):
        pool = descriptor_pool.DescriptorPool()
        known = set()
        names = [one["name"] for one in service.call(method, {"listServices": ""})["listServicesResponse"]["service"]]
        claim("services are listed", "leadfit.v1.Scoring" in names and method.split("/", maxsplit=1)[0] in names)
        for name in names:
            answer = service.call(method, {"fileContainingSymbol": name})
            for data in answer["fileDescriptorResponse"]["fileDescriptorProto"]:
                file = descriptor_pb2.FileDescriptorProto.FromString(base64.b64decode(data))
                if file.name not in known:
                    pool.Add(file)  # which needs what it imports
                    known.add(file.name)
            claim("a service is found with what it needs", pool.FindServiceByName(name).methods)
        answer = service.call(method, {"fileByFilename": "no/such.proto"})
        claim("what is missing is an answer, too", answer["errorResponse"]["errorCode"] == 5)
    method = pool.FindServiceByName("leadfit.v1.Decisions").methods_by_name["Watch"]
    proto = descriptor_pb2.MethodDescriptorProto()
    method.CopyToProto(proto)
    claim("Watch streams, and has no side effects", proto.server_streaming and proto.options.idempotency_level == 1)


def main():
    with open(OPENAPI, encoding="utf-8") as file:
        page = json.load(file)
    check_structure(page)
    with Service() as service:
        check_calls(page, service)
        check_reflection(service)
        done = service.run("leadfit.v1.Decisions/Watch", {})
        claim("over nng Watch names Export", "leadfit.v1.Decisions/Export" in done.stderr, done.stderr)
    print(f"{passed} claims hold")


main()
