#!/usr/bin/env python3
"""Who should lead? score.py URL REQUEST.json [CA.pem]: prints who, the outcome, and the first reason.

Where the service asks for a token, LEADFIT_TOKEN has it.
"""
import os
import sys
import urllib.parse

import grpc
from google.protobuf import json_format
from leadfit.v1 import rubric_pb2, scoring_pb2, scoring_pb2_grpc

url = urllib.parse.urlsplit(sys.argv[1])
request = json_format.Parse(open(sys.argv[2], encoding="utf-8").read(), scoring_pb2.ScoreRequest())

if url.scheme == "https":
    ca = open(sys.argv[3], "rb").read() if len(sys.argv) > 3 else None
    channel = grpc.secure_channel(url.netloc, grpc.ssl_channel_credentials(ca))
else:
    channel = grpc.insecure_channel(url.netloc)
token = os.environ.get("LEADFIT_TOKEN")
metadata = [("authorization", f"Bearer {token}")] if token else []

with channel:
    try:
        decision = scoring_pb2_grpc.ScoringStub(channel).Score(request, timeout=10, metadata=metadata)
    except grpc.RpcError as error:
        sys.exit(f"{error.code().name}: {error.details()}")
print(decision.recommended, rubric_pb2.Outcome.Name(decision.outcome), decision.explanation[0], sep="\n")
