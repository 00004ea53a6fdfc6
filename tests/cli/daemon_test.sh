#!/bin/bash
# The CLI against the real service, from files to a decision on disk.
# Usage: daemon_test.sh LEADFIT LEADFITD SOURCE_FOLDER
set -u
leadfit=$1
leadfitd=$2
source_folder=$3
. "$(dirname "$0")/assert.sh"

unset LEADFIT_TOKEN COLUMNS NO_COLOR
export LC_ALL=C.UTF-8
team=$source_folder/service/examples/team.yaml
project=$source_folder/service/examples/project.yaml
rubric=$source_folder/service/rubrics/tech-lead.yaml
export LEADFIT_SERVER=ipc://$work/socket

# start [OPTION]...: the service on this test's log.
start() {
	: >"$work/daemon.log" # the last one's "ready" is not this one's
	"$leadfitd" --db "$work/log.db" --listen "$LEADFIT_SERVER" --rubric "$rubric" --log text "$@" 2>"$work/daemon.log" &
	started=($!)
	wait_for "$work/daemon.log" ready
}
stop() {
	kill -TERM "${started[0]}"
	status=0
	wait "${started[0]}" || status=$?
	started=()
	[ "$status" = 0 ] || { cat "$work/daemon.log"; fail "the service did not end well"; }
}
l() { run "$leadfit" "$@"; }
value() { sed -n "s/^  \"$1\": \"\(.*\)\",\{0,1\}$/\1/p" "$work/out"; } # a text field of the printed message
# A decision without what differs each time.
numbers() { grep -vE '"(decisionId|decidedAt|asOf|traceId)"' "$1"; }

start

claim "score, list and show agree about the decision"
l score --team "$team" --project "$project" --output json; status_is 0; err_empty
id=$(value decisionId); cp "$work/out" "$work/decision.json"
[ ${#id} = 36 ] || fail "no id"
out_has '"team": {'; out_has '"id": "payments"'; out_has '"caller": "local"'
l decisions show "$id" --output json; status_is 0; cmp -s "$work/out" "$work/decision.json" || fail "show differs from the answer"
l decisions list --team payments; status_is 0; out_has "$id"; out_has checkout-redesign
l decisions list --candidate m-1042 --project checkout-redesign --output json; out_has "\"decisionId\": \"$id\""
l decisions list --team another; out_is "No decision matches."
l decisions show "${id%?}x"; status_is 2; out_empty
l decisions show 00000000-0000-7000-8000-000000000000; status_is 2; out_empty

claim "a command belongs to the trace of the environment, and so does its decision; what is no trace is left alone"
TRACEPARENT=00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01 l score --team "$team" --project "$project" --output json
status_is 0; out_has '"traceId": "4bf92f3577b34da6a3ce929d0e0e4736"'
traced=$(value decisionId); l decisions show "$traced" --output json; out_has '"traceId": "4bf92f3577b34da6a3ce929d0e0e4736"'
TRACEPARENT=nonsense l score --team "$team" --project "$project" --output json; status_is 0; err_empty; out_matches '"traceId": "[0-9a-f]{32}"'

claim "a decision is proved in one file, which is checked with the key alone"
vkey=$(sed -n 's/.*verifier key //p' "$work/daemon.log")
l decisions prove "$id" --proof "$work/decision.tlog-proof"; status_is 0; err_empty; out_has "Proved: the log has decision $id"
l decisions prove "$id" --key "$work/log.db.key.pub"; status_is 0; cmp -s "$work/out" "$work/decision.tlog-proof" || fail "another proof"
run "$leadfit" --server "ipc://$work/none" decisions verify-proof "$work/decision.tlog-proof" --key "$vkey"; status_is 0; err_empty
out_has "decision $id"; out_matches 'outcome +RECOMMENDED'; out_matches 'team +payments'
awk '/^```python$/ { on = 1; next } /^```$/ { on = 0 } on' "$source_folder/storage/tlog/DESIGN.md" >"$work/check.py"
run python3 "$work/check.py" "$work/decision.tlog-proof" "$vkey"; status_is 0; out_has "team is as it was decided from"
l decisions prove 00000000-0000-7000-8000-000000000000; status_is 2; out_empty
l decisions prove nonsense; status_is 2; out_empty; err_has "decisions prove: "

claim "the page is one that a person reads"
l score --team "$team" --project "$project"; status_is 0
out_has "Checkout redesign"; out_matches '^1  m-1042'; out_has "What counts most"; out_has "leadfit decisions show"

claim "the same request with the same key gets the same decision, another one is refused"
l score --team "$team" --project "$project" --key once --output json; first=$(value decisionId)
l score --team "$team" --project "$project" --key once --output json; [ "$(value decisionId)" = "$first" ] || fail "another decision"
l score --team "$team" --project "$project" --key once --what-if; status_is 4; out_empty

claim "the same files at the same instant give the same numbers, as YAML, JSON or CSV"
cat >"$work/payments.csv" <<'END'
id,discipline,availability,expertise,criterion,rating,source,observed_on,note
m-1,FRONTEND,0.8,FRONTEND=0.9;DESIGN=0.6,interaction,4.5,PEER,2026-05-01,"led it, twice"
m-1,,,,architecture,3,SELF,,
m-2,BACKEND,,,problem_solving,4,MANAGER,2026-04-01,
m-3,QUALITY,,,,,,,
END
cat >"$work/team.json" <<'END'
{"id": "payments", "members": [
 {"id": "m-3", "discipline": "QUALITY"},
 {"id": "m-2", "discipline": "BACKEND", "evidence": [
  {"criterion": "problem_solving", "rating": 4, "source": "MANAGER", "observedOn": "2026-04-01"}]},
 {"id": "m-1", "discipline": "FRONTEND", "availability": 0.8, "expertise": {"FRONTEND": 0.9, "DESIGN": 0.6}, "evidence": [
  {"criterion": "interaction", "rating": 4.5, "source": "PEER", "observed_on": "2026-05-01", "note": "led it, twice"},
  {"criterion": "architecture", "rating": 3, "source": "SELF"}]}]}
END
cat >"$work/team.yaml" <<'END'
id: payments
members:
  - {id: m-3, discipline: QUALITY}
  - id: m-1
    discipline: FRONTEND
    availability: 0.8
    expertise: {FRONTEND: 0.9, DESIGN: 0.6}
    evidence:
      - {criterion: interaction, rating: 4.5, source: PEER, observed_on: 2026-05-01, note: "led it, twice"}
      - {criterion: architecture, rating: 3, source: SELF}
  - id: m-2
    discipline: BACKEND
    evidence: [{criterion: problem_solving, rating: 4, source: MANAGER, observed_on: "2026-04-01"}]
END
for file in team.yaml team.json payments.csv; do
	l score --team "$work/$file" --project "$project" --as-of 2026-06-01 --what-if --output json; status_is 0
	numbers "$work/out" >"$work/$file.numbers"
	cmp -s "$work/$file.numbers" "$work/team.yaml.numbers" || fail "$file differs from team.yaml"
done

claim "everything that is wrong is told by file and line"
sed -e 's/rating: 4.5, source: PEER, observed_on: "2026-05-01"/rating: 7, source: PEEER, observed_on: "2026-02-30"/' "$team" >"$work/bad.yaml"
sed -e 's/interaction_focus: 0.9/interaction_fokus: 0.9/' "$project" >"$work/bad-project.yaml"
line=$(grep -n 'rating: 7' "$work/bad.yaml" | cut -d: -f1)
l score --team "$work/bad.yaml" --project "$work/bad-project.yaml" --candidate nobody; status_is 2; out_empty
err_has "bad.yaml:$line: members[0].evidence[0].rating: 7 is outside 1..5"
err_has "bad.yaml:$line: members[0].evidence[0].source:"; err_has PEER
err_has "bad.yaml:$line: members[0].evidence[0].observed_on:"
err_has "bad-project.yaml:"; err_has "interaction_focus"
err_has "--candidate: \"nobody\""
sed -e 's/interaction,4.5/interaction,9/' "$work/payments.csv" >"$work/bad.csv"
l score --team "$work/bad.csv" --project "$project"; status_is 2; err_has "bad.csv: F2: rating: 9 is outside 1..5"
l score --team "$team" --project "$project" --rubric nothing; [ "$status" != 0 ] || fail "an unknown rubric"; err_has nothing

claim "what the rubric does not declare is left out and listed where that is asked for"
l score --team "$team" --project "$work/bad-project.yaml" --ignore-undeclared --what-if; status_is 0
out_has "Left out, because the rubric does not declare it"; out_has interaction_fokus

claim "a profile needs no team"
l profile --project "$project"; status_is 0; out_has "Checkout redesign calls for"
l profile --project "$project" --team "$team" --output json; status_is 0; out_has '"disciplines": ['

claim "a sweep says who leads where, draws it, and stores nothing"
l decisions list --all --output json; cp "$work/out" "$work/before.json"
l score --team "$team" --project "$project" --as-of 2026-08-01 --sweep interaction_focus --points 11 --svg "$work/sweep.svg"; status_is 0; err_empty
out_matches '^0\.00 +[01]\.[0-9]+  m-1'; out_has "the project: 0.90"; out_has "no decision was stored"; file_has "$work/sweep.svg" "</svg>"
l score --team "$team" --project "$project" --sweep interaction_fokus; status_is 2; err_has "--sweep: "; err_has "nearest: interaction_focus"
l decisions list --all --output json; cmp -s "$work/out" "$work/before.json" || fail "something was stored"

claim "the default rubric is listed, shown and without faults; faults are told by line"
l rubric check "$rubric"; status_is 0; out_has "this rubric can be used: tech-lead"
digest=$(grep -oE '[0-9a-f]{64}' "$work/out")
l rubric list; status_is 0; out_has "${digest:0:12}"
l rubric show; status_is 0; out_has "Digest $digest"; out_has "architecture"
l rubric show tech-lead --digest "$digest" --output json; status_is 0; out_has '"name": "tech-lead"'
l rubric show --digest "${digest:0:12}"; status_is 0; out_has "Digest $digest"
l rubric show --digest 00000000; status_is 2; err_has "--digest: no version's digest begins with 00000000"
l rubric explain tech-lead --digest "${digest:0:12}"; status_is 0; out_has "How a project moves the weights"; out_has "Digest $digest"
l rubric show nothing; [ "$status" != 0 ] || fail "an unknown rubric"; out_empty
sed -e '0,/default_mean: 3/s//default_mean: 9/' "$rubric" >"$work/bad-rubric.yaml"
line=$(grep -n 'default_mean: 9' "$work/bad-rubric.yaml" | cut -d: -f1)
l rubric check "$work/bad-rubric.yaml"; status_is 1; out_has "bad-rubric.yaml:$line: criteria[0].prior.default_mean: 9"; err_empty

claim "a rubric has warnings by line, from rubric check and in the service's log alike"
sed -e 's/SELF: 0.4/SELF: 0/' "$rubric" >"$work/odd-rubric.yaml"
line=$(grep -n 'SELF: 0}' "$work/odd-rubric.yaml" | cut -d: -f1)
l rubric check "$work/odd-rubric.yaml"; status_is 0; err_empty
out_has "odd-rubric.yaml:$line: warning: sources[\"SELF\"]: is 0: evidence from this source counts for nothing"
out_has "this rubric can be used"
timeout 20 "$leadfitd" --db "$work/odd.db" --listen "ipc://$work/odd" --rubric "$work/odd-rubric.yaml" --log text 2>"$work/odd.log" &
odd=$!
started+=($odd)
wait_for "$work/odd.log" ready
kill -TERM "$odd"; wait "$odd"
file_has "$work/odd.log" "odd-rubric.yaml:$line: warning: sources[\"SELF\"]: is 0"

claim "what is wrong about labels and domains is told by line in a rubric, and by cell in a team's CSV"
sed -e 's/shown_by: \[architecture\]/shown_by: [archtecture]/' -e 's/^expertise: {strength: 1}/expertise: {strength: 0}/' \
	-e 's/domain: FRONTEND}, {/domain: FRONTED}, {/' "$rubric" >"$work/bad-label.yaml"
at() { grep -n "$1" "$work/bad-label.yaml" | head -n 1 | cut -d: -f1; }
l rubric check "$work/bad-label.yaml"; status_is 1; err_empty
out_has "bad-label.yaml:$(at archtecture): disciplines[0].shown_by[0]: \"archtecture\" is not a criterion of this rubric; nearest: architecture"
out_has "bad-label.yaml:$(at 'strength: 0}'): expertise.strength: 0 is not allowed: above 0, up to 1000000"
sed -i -e 's/archtecture/architecture/' -e 's/^expertise: {strength: 0}/expertise: {strength: 1}/' "$work/bad-label.yaml"
l rubric check "$work/bad-label.yaml"; status_is 1; out_matches "bad-label.yaml:$(at FRONTED): scenarios.*evidence\[0\]\.domain: \"FRONTED\" is not a discipline"
printf 'id,discipline,criterion,rating,domain\nm-1,BACKEND,architecture,4,\nm-2,BACKEND,interaction,4,FRONTED\n' >"$work/domain.csv"
l score --team "$work/domain.csv" --project "$project" --what-if; status_is 2; out_empty
err_has 'domain.csv: E3: domain: "FRONTED" is not a discipline of this rubric; nearest: FRONTEND'
l score --team "$work/domain.csv" --project "$project" --what-if --ignore-undeclared; status_is 0; out_has "m-2"

claim "a rubric keeps its digest in its canonical form, and a diff tells what a file would change"
l rubric fmt "$rubric"; status_is 0; err_empty; cp "$work/out" "$work/canonical.yaml"
l rubric check "$work/canonical.yaml"; status_is 0; out_has "$digest"
l rubric diff tech-lead "$work/canonical.yaml"; status_is 0; out_has "The two say the same."
l rubric diff "tech-lead@${digest:0:12}" "$work/odd-rubric.yaml"; status_is 1; out_has "weight of source SELF: 0.4 -> 0"
l rubric diff tech-lead@00000000 "$rubric"; status_is 2; err_has "rubric diff: no version's digest begins with 00000000"
l rubric diff "${digest:0:12}" nothing; [ "$status" -gt 1 ] || fail "an unknown rubric"; out_empty

claim "a rubric's scenarios are run, with what came of each and what they leave untried"
l rubric test; status_is 0; err_empty; out_has "17 of 17 scenarios passed"; out_matches "^passed +- +NO_ELIGIBLE_CANDIDATE +Nobody has time$"
out_lacks "No scenario exercises"
sed -e "/A gate: who works alone/,/expect: {first: fe, ranking/d" "$rubric" >"$work/untried.yaml"
l rubric test "$work/untried.yaml"; status_is 0; out_has "16 of 16"; out_has "gates: gates[0]: collaboration of at least 2"
echo '{name: bare, scale: {min: 1, max: 5}, criteria: [{id: a, weight: {base: 1}}], scenarios: [{name: s, project: {id: p},
 team: {id: t, members: [{id: x, evidence: [{criterion: a, rating: 5}]}, {id: y}]}, expect: {first: x}}]}' >"$work/bare.yaml"
l rubric test "$work/bare.yaml"; status_is 0; out_matches "outcomes: TOO_CLOSE$" # no threshold and no gate, so no others
l rubric test "$rubric" --output json; status_is 0; out_has '"passed": true'; out_has '"coverage": {'; out_lacks '"differences"'
l rubric test tech-lead --digest "${digest:0:12}"; status_is 0; out_has "tech-lead ${digest:0:12}: 17 of 17"
sed -e '0,/first: be/s//first: fe/' "$rubric" >"$work/fails.yaml"
line=$(grep -n 'first: fe' "$work/fails.yaml" | head -n 1 | cut -d: -f1)
l rubric test "$work/fails.yaml"; status_is 1; err_empty; out_has "16 of 17 scenarios passed"
out_has "fails.yaml:$line: scenarios[0].expect.first: fe is expected, be ranks first"
run "$leadfit" rubric test - <"$work/fails.yaml"; status_is 1; out_has "<stdin>:$line: scenarios[0].expect.first:"
l rubric test "$work/fails.yaml" --output json; status_is 1; out_has '"field": "expect.first"'
l rubric test "$work/bad-rubric.yaml"; status_is 2; out_empty; err_has "bad-rubric.yaml:"; err_has "criteria[0].prior.default_mean"
l rubric test nothing; status_is 2; out_empty; err_has nothing
l rubric test nothing.yaml; status_is 2; err_has "nothing.yaml: No such file"
l rubric test --digest xyz; status_is 2; err_has "--digest: xyz is not 8..64 hexadecimal digits"
printf 'name: bare\nscale: {min: 1, max: 5}\ncriteria: [{id: a, weight: {base: 1}}]\n' >"$work/bare.yaml"
l rubric test "$work/bare.yaml"; status_is 0; out_has "This rubric has no scenarios."; out_has "0 of 0 scenarios passed"

claim "a version is put for ever, made active, and returned to; who did it is told"
l rubric put "$work/fails.yaml"; status_is 4; out_empty; err_has "fails.yaml:$line: scenarios[0].expect.first: fe is expected, be ranks first"
l rubric put "$work/bad-rubric.yaml"; status_is 2; out_empty; err_has "bad-rubric.yaml:"
l rubric put "$work/nothing.yaml"; status_is 2; out_empty
sed -e 's/^title: .*/title: A second version/' "$rubric" >"$work/second.yaml"
l rubric put "$work/second.yaml"; status_is 0; err_empty; out_has ": stored"; out_has "It is not active. To make it so: leadfit rubric activate "
second=$(grep -oE '[0-9a-f]{64}' "$work/out")
l rubric put "$work/second.yaml"; status_is 0; out_has ": was stored already"
l rubric put "$rubric"; status_is 0; out_has "It is the active version."
l rubric put "$work/bare.yaml"; status_is 0; out_has "It is not active."
l rubric put --activate "$work/bare.yaml"; status_is 0; out_has ": was stored already"; out_has "It is the active version now."
l score --rubric tech-lead --team "$team" --project "$project" --what-if --output json; out_has "\"digest\": \"$digest\""
l rubric activate "${second:0:12}" --rubric bare; status_is 2; out_empty; err_has 'belongs to the rubric "tech-lead", not "bare"'
l rubric activate "$second" --rubric bare; status_is 2; out_empty; err_has 'belongs to the rubric "tech-lead"'
l rubric activate "${second:0:12}"; status_is 0; err_empty; out_has "tech-lead: ${second:0:12} is the active version now, instead of ${digest:0:12}"
l score --rubric tech-lead --team "$team" --project "$project" --what-if --output json; out_has "\"digest\": \"$second\""
l rubric activate "${second:0:8}"; status_is 0; out_is "tech-lead: ${second:0:12} is the active version already"
l rubric activate "$(echo "${digest:0:12}" | tr a-f A-F)" --output json; status_is 0; out_has '"changed": true'
l rubric activate "$second" --rubric tech-lead; status_is 0
l rubric activate 123; status_is 2; out_empty; err_has 'no rubric "123" is stored'
other=$(echo "$digest" | tr 0-9a-f 1-9a-f0)
l rubric activate "$other"; status_is 2; out_empty; err_has "no rubric of digest $other is stored"
l rubric history tech-lead; status_is 0
[ "$(grep -cE 'tech-lead +[0-9a-f]{12} +[0-9a-f]{12} +local$' "$work/out")" = 3 ] || fail "not three activations"
out_matches "tech-lead +- +${digest:0:12} +local$"
l rubric history; status_is 0; out_matches "bare +- +[0-9a-f]{12} +local$"
l rubric history nothing; status_is 0; out_is "No such rubric was ever active."
l rubric history tech-lead --output json; status_is 0; out_has '"activatedBy": "local"'
stop; start
l rubric show tech-lead; status_is 0; out_has "A second version"
l rubric activate "$digest"; status_is 0; out_has "${digest:0:12} is the active version now"
l score --rubric tech-lead --team "$team" --project "$project" --what-if --output json; out_has "\"digest\": \"$digest\""
# A second active rubric makes no difference to requests that name none.
l score --team "$team" --project "$project" --what-if --output json; status_is 0; out_has "\"digest\": \"$digest\""

claim "health knows the whole and each service"
l health; status_is 0; out_is SERVING
l health leadfit.v1.Scoring; status_is 0; out_is SERVING
l health leadfit.v1.Nothing; status_is 2

claim "call reaches every method that only reads"
l call Describe/Describe; status_is 0; out_has '"leadfit.v1.Scoring/Score"'
l call Decisions/List '{"pageSize": 1}'; status_is 0; out_has '"nextPageToken"'
l call Rubrics/List; status_is 0; out_has tech-lead
l call Decisions/Get "{\"decisionId\": \"$id\"}"; cmp -s "$work/out" "$work/decision.json" || fail "the decision differs"
l call Decisions/List '{"pageSize": 1001}'; status_is 2; err_has "page_size"

claim "version tells the service's"
l version --server "$LEADFIT_SERVER"; status_is 0; out_matches '^leadfitd [0-9]'

claim "pages go together without loss or repeat"
for _ in 1 2 3 4 5; do "$leadfit" score --rubric tech-lead --team "$work/team.yaml" --project "$project" --what-if --output json >/dev/null; done
l decisions list --all --output json; status_is 0
count=$(grep -c '"decisionId"' "$work/out")
[ "$count" -ge 10 ] || fail "only $count decisions"
[ "$(grep '"decisionId"' "$work/out" | sort -u | wc -l)" = "$count" ] || fail "a decision stands twice"
l decisions list --limit 3; [ "$(grep -c payments "$work/out")" = 3 ] || fail "not three"

claim "a service that stopped is status 3, and decisions are there when it is back"
stop
l health --timeout 2; status_is 3; out_empty
start
l decisions show "$id" --output json; status_is 0; cmp -s "$work/out" "$work/decision.json" || fail "the decision differs"
stop

claim "with a tokens file, only who is on it may call, and only what the roles allow"
: >"$work/tokens"; chmod 600 "$work/tokens"
"$leadfit" token scorer --roles score,read --token-out "$work/scorer" >>"$work/tokens"
"$leadfit" token reader --roles read --token-out "$work/reader" >>"$work/tokens"
"$leadfit" token owner --roles read,rubric --token-out "$work/owner" >>"$work/tokens"
start --tokens "$work/tokens"
l decisions list; status_is 4; out_empty; err_has "--token-file"
printf 'unknown\n' >"$work/unknown"
l decisions list --token-file "$work/unknown"; status_is 4; out_empty
l decisions list --token-file "$work/reader"; status_is 0
l score --token-file "$work/reader" --rubric tech-lead --team "$team" --project "$project"; status_is 4; out_empty
l rubric test tech-lead --token-file "$work/reader"; status_is 0
l rubric history --token-file "$work/reader"; status_is 0
l rubric put "$work/second.yaml" --token-file "$work/reader"; status_is 4; out_empty; err_has "lacks the role rubric"
l rubric activate "$second" --token-file "$work/scorer"; status_is 4; out_empty; err_has "lacks the role rubric"
l rubric deactivate tech-lead --token-file "$work/scorer"; status_is 4; out_empty; err_has "lacks the role rubric"
l rubric default tech-lead --token-file "$work/reader"; status_is 4; out_empty; err_has "lacks the role rubric"
l rubric default --token-file "$work/reader"; status_is 0; out_has tech-lead
l rubric put "$work/second.yaml" --token-file "$work/owner"; status_is 0
l rubric activate "$second" --token-file "$work/owner"; status_is 0
l rubric history --token-file "$work/owner"; status_is 0; out_matches "${second:0:12} +owner$"
l score --token-file "$work/scorer" --rubric tech-lead --team "$team" --project "$project" --output json; status_is 0; out_has '"caller": "scorer"'
for method in Keeping/StartErase Keeping/StartPrune Jobs/Get Jobs/List; do
	l call $method --token-file "$work/owner"; status_is 4; out_empty; err_has "lacks the role admin"
done
LEADFIT_TOKEN=$(cat "$work/reader") run "$leadfit" decisions list; status_is 0; out_has payments
l health; status_is 0
stop

claim "SIGHUP reads the tokens again, and does not end the service"
sed -i '/^reader /d' "$work/tokens"
start --tokens "$work/tokens"
l decisions list --token-file "$work/reader"; status_is 4
"$leadfit" token reader --roles read --token-out "$work/reader2" >>"$work/tokens"
kill -HUP "${started[0]}"; wait_for "$work/daemon.log" " reloaded: callers from $work/tokens"
l decisions list --token-file "$work/reader2"; status_is 0
sed -i '/^reader /d' "$work/tokens"; echo "a line that is none" >>"$work/tokens"
kill -HUP "${started[0]}"; wait_for "$work/daemon.log" " reload_refused: nothing was reloaded: line "
l decisions list --token-file "$work/reader2"; status_is 0
stop
start
kill -HUP "${started[0]}"; wait_for "$work/daemon.log" " reload_refused: nothing to reload"
l health; status_is 0
stop

finish
