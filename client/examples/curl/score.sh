#!/bin/bash
# Who should lead? score.sh URL REQUEST.json [CA.pem]: prints who, the outcome, and the first reason.
# Where the service asks for a token, LEADFIT_TOKEN has it.
set -euo pipefail
headers() { printf 'content-type: application/json\n%s' "${LEADFIT_TOKEN:+authorization: Bearer $LEADFIT_TOKEN}"; }

curl -sS --fail-with-body --max-time 10 ${3:+--cacert "$3"} -H @<(headers) --data-binary @"$2" "$1/leadfit.v1.Scoring/Score" |
	jq -r 'if .code then error(.code + ": " + .message) else .recommended, .outcome, .explanation[0] end'
