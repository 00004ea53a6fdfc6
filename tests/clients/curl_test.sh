#!/bin/bash
# The example for curl. Also: request.json is what team.yaml and project.yaml say.
. "$(dirname "$0")/lib.sh"
need curl curl
need jq jq
example() { "$examples/curl/score.sh" "$1" "$2" ${3:+"$3"}; }
services

claim "request.json asks the same as team.yaml and project.yaml: the service takes both for one request"
sed '1s/{/{"idempotencyKey": "one",/' "$request" >"$work/keyed.json"
run curl -sS -H 'content-type: application/json' --data-binary @"$work/keyed.json" "http://$open/leadfit.v1.Scoring/Score"; status_is 0
first=$("$python" -c 'import json, sys; print(json.load(sys.stdin)["decisionId"])' <"$work/out")
run "$leadfit" --server "ipc://$work/open" score --team "$source_folder/service/examples/team.yaml" --as-of 2026-08-01 --key one \
	--project "$source_folder/service/examples/project.yaml" --output json; status_is 0; out_has "\"decisionId\": \"$first\""

example_claims "$examples/curl/score.sh"
finish
