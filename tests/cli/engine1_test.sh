#!/bin/bash
# A log of engine version 1, which compared scores bit by bit, under today's service: decisions are shown, exported, replayed, verified
# and erased as they were answered; new ones are made by today's rules. old/engine-1.db.gz was made by leadfitd 0.1.0: a rubric (matrix),
# and two decisions in which B's 0.6875000000000001 was recommended against 0.6875.
# Usage: engine1_test.sh LEADFIT LEADFITD
set -u
leadfit=$1
leadfitd=$2
. "$(dirname "$0")/assert.sh"

unset LEADFIT_TOKEN COLUMNS NO_COLOR
export LC_ALL=C.UTF-8 LEADFIT_SERVER=ipc://$work/socket
l() { run "$leadfit" "$@"; }
: >"$work/out"; : >"$work/err"

gunzip <"$(dirname "$0")/old/engine-1.db.gz" >"$work/log.db"
"$leadfitd" --db "$work/log.db" --listen "$LEADFIT_SERVER" 2>"$work/daemon.log" &
started=($!)
wait_for "$work/daemon.log" ready
"$leadfit" decisions list --output json >"$work/list.json"
mapfile -t ids < <(sed -n 's/.*"decisionId": *"\([^"]*\)".*/\1/p' "$work/list.json")

claim "a tie by today's rules is shown as it was answered"
[ "${#ids[@]}" = 2 ] || fail "expected two decisions, not ${#ids[@]}"
for id in "${ids[@]}"; do
	l decisions show "$id" --output json; status_is 0; err_empty
	out_has '"outcome": "RECOMMENDED"'; out_has '"recommended": "B"'; out_has '"engineVersion": 1'
	out_has '"rank": 2'; out_has '"margin": 1.1102230246251565e-16'
	l decisions show "$id"; status_is 0; out_has "B is recommended: 0.69 against 0.69 for "; out_has ", ahead by rounding alone."; out_lacks "share first place"
done

claim "it is exported, replayed and verified as it was"
l decisions export --output json; status_is 0
[ "$(grep -c '"recommended": *"B"' "$work/out")" = 2 ] || fail "not both are exported"
l decisions replay; status_is 0; out_has "2 decisions"; out_lacks "differ"
l decisions replay --output json; status_is 0; out_matches '"same": "?2'; out_lacks '"otherSemantics"'
l decisions verify; status_is 0; out_has "The log is whole"

claim "the same question today is too close"
printf 'id: t\nmembers:\n' >"$work/team.yaml"
for member in "B 3 4 5 3 4" "C 5 3 3 4 3"; do
	set -- $member
	printf '  - {id: %s, evidence: [{criterion: tech, rating: %s}, {criterion: exp, rating: %s}, {criterion: comm, rating: %s}, {criterion: fit, rating: %s}, {criterion: lead, rating: %s}]}\n' "$@" >>"$work/team.yaml"
done
echo 'id: p' >"$work/project.yaml"
l score --team "$work/team.yaml" --project "$work/project.yaml" --as-of 2026-08-01 --output json; status_is 0
out_has '"outcome": "TOO_CLOSE"'; out_has '"engineVersion": 2'; out_lacks '"rank": 2'; out_lacks '"recommended"'
l score --team "$work/team.yaml" --project "$work/project.yaml" --as-of 2026-08-01; out_has "B and C share first place with 0.69 each"
l decisions replay --output json; status_is 0; out_matches '"same": "?4'

claim "what an erasure leaves of it says what was answered"
l decisions erase --candidate D --reason "asked to" --yes; status_is 0
l decisions verify; status_is 0; out_has "The log is whole"
l decisions replay --output json; status_is 0; out_matches '"same": "?3'; out_matches '"erased": "?1'
for id in "${ids[@]}"; do
	l decisions show "$id" --output json; out_has '"outcome": "RECOMMENDED"'; out_has '"engineVersion": 1'
done

kill -TERM "${started[0]}"
wait "${started[0]}" || fail "the service did not end well: $(cat "$work/daemon.log")"
started=()
finish
