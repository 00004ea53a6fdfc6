#!/bin/bash
# What the CLI does on its own, and with answers that a test gives it.
# Usage: cli_test.sh LEADFIT FAKE_SERVER
set -u
leadfit=$1
fake=$2
. "$(dirname "$0")/assert.sh"

unset LEADFIT_SERVER LEADFIT_TOKEN COLUMNS NO_COLOR
export LC_ALL=C.UTF-8 TERM=xterm
answers=$work/answers
mkdir "$answers"
server=ipc://$work/socket
"$fake" "$server" "$answers" >"$work/fake.log" 2>&1 &
started+=($!)
wait_for "$work/fake.log" listening

l() { run "$leadfit" --server "$server" "$@"; }
clear_answers() { rm -f "$answers"/*; }

cat >"$work/team.yaml" <<'END'
id: payments
members:
  - id: m-1
    discipline: FRONTEND
    evidence:
      - {criterion: interaction, rating: 4.5, source: PEER}
      - {criterion: architecture, rating: 7}
  - {id: m-2, discipline: BACKEND}
END
cat >"$work/project.yaml" <<'END'
id: checkout
title: Checkout redesign
traits: {interaction_focus: 0.9}
END
cat >"$work/team.csv" <<'END'
id,discipline,criterion,rating
m-1,FRONTEND,interaction,4.5
m-2,BACKEND,architecture,7
END
cat >"$work/decision.json" <<'END'
{"decisionId": "0196f0a4-8b6e-7c3d-9f21-5d2f6f1f7a10", "decidedAt": "2026-05-01T12:00:03Z", "asOf": "2026-05-01T12:00:03Z",
 "rubric": {"name": "tech-lead", "digest": "3f2a91c0d2e14455667788990011223344556677889900112233445566778899"},
 "team": {"id": "payments"}, "project": {"id": "checkout", "title": "Checkout redesign"},
 "outcome": "RECOMMENDED", "recommended": "m-1", "evidenceShare": 0.62, "margin": 0.12, "caller": "local",
 "ranking": [
  {"candidate": "m-1", "rank": 1, "score": 0.742, "eligible": true, "evidenceShare": 0.62, "reason": "First.", "criteria": [
   {"criterion": "interaction", "rating": 4.3, "value": 0.82, "weight": 0.6, "contribution": 0.492, "evidenceShare": 0.7},
   {"criterion": "team_coverage", "value": 0.625, "weight": 0.4, "contribution": 0.25}]},
  {"candidate": "m-2", "rank": 2, "score": 0.622, "eligible": true, "evidenceShare": 0.4, "reason": "Behind on interaction.",
   "criteria": [
   {"criterion": "interaction", "rating": 2.1, "value": 0.27, "weight": 0.6, "contribution": 0.162},
   {"criterion": "team_coverage", "value": 1, "weight": 0.4, "contribution": 0.4}]},
  {"candidate": "m-3", "rank": 0, "score": 0.5, "eligible": false, "ineligibleBecause": ["Availability 0.2 is below 0.3."],
   "criteria": [
   {"criterion": "interaction", "value": 0, "weight": 0.6, "contribution": 0},
   {"criterion": "team_coverage", "value": 1, "weight": 0.4, "contribution": 0.4}]}],
 "explanation": ["m-1 is recommended because of interaction.", "38% of this score rests on expectations."],
 "assumptions": ["stability_need was assumed to be 0.5."]}
END

# ---- usage ----

claim "without a command the help goes to standard error, with status 2"
run "$leadfit"
status_is 2; out_empty; err_has "Usage: leadfit"

claim "help goes to standard output, for all, a command, and a group"
run "$leadfit" help; status_is 0; out_has "decisions list"; err_empty
run "$leadfit" --help; status_is 0; out_has "decisions list"
run "$leadfit" score --help; status_is 0; out_has "--ignore-undeclared"; out_has "--server URL"
run "$leadfit" help decisions show; status_is 0; out_has "Usage: leadfit decisions show [OPTION]... ID"
run "$leadfit" help rubric; status_is 0; out_has "rubric check"
run "$leadfit" rubric --help; status_is 0; out_has "rubric check"
for command in "" score decisions "rubric weights" "rubric explain" "rubric test"; do
	COLUMNS=80 run "$leadfit" help $command; status_is 0
	awk 'length > 80 && !/^  leadfit / { bad = 1 } END { exit bad }' "$work/out" || fail "help $command is wider than the page"
done
out_matches '^Exit status 0: all'; out_matches '^Example'
run "$leadfit" help nothing; status_is 2; out_empty

claim "every command has help"
for command in score profile convert "decisions list" "decisions show" "decisions prove" "decisions verify" "decisions verify-proof" "rubric check" "rubric list" "rubric show" "rubric explain" "rubric test" "rubric put" \
	"rubric activate" "rubric history" "rubric diff" "rubric fmt" "rubric weights" call health version token help; do
	# shellcheck disable=SC2086
	run "$leadfit" $command --help
	awk 'length > 100 { bad = 1 } END { exit bad }' "$work/out" || fail "the help of $command is wider than 100 columns"
	status_is 0; out_has "Usage: leadfit $command"; err_empty
done

claim "an unknown option or command is refused with the nearest known one"
run "$leadfit" score --taem x; status_is 2; out_empty; err_has "did you mean --team?"; err_has "leadfit help score"
run "$leadfit" scoer; status_is 2; err_has "did you mean score?"

claim "bad values of global options are refused"
run "$leadfit" version --output xml; status_is 2; err_has "--output: xml is not table or json"
run "$leadfit" version --color maybe; status_is 2; err_has "--color: maybe is not auto, always or never"
for seconds in 0 -1 nan 1e9 "" 5s; do
	run "$leadfit" version --timeout "$seconds"; status_is 2; err_has "--timeout"
done
run "$leadfit" version --token-file "$work/none"; status_is 2; err_has "none: No such file"
printf 'two words\n' >"$work/token"
run "$leadfit" version --token-file "$work/token"; status_is 2; err_has "visible ASCII without spaces"

claim "version works without a service, and never fails"
run "$leadfit" version; status_is 0; out_matches '^leadfit [0-9]+\.[0-9]+\.[0-9]+$'; err_empty
run "$leadfit" --version; status_is 0; out_matches '^leadfit '
run "$leadfit" version --server "ipc://$work/none"; status_is 0; out_matches '^leadfit '; err_has "leadfit:"
run "$leadfit" version --output json; status_is 0; out_has '"client": "'

# ---- files ----

claim "files that can't be read are named, each with its reason"
l score --team "$work/none.yaml" --project "$work/project.yaml"; status_is 2; out_empty; err_has "none.yaml: No such file or directory"
l score --team "$work" --project "$work/project.yaml"; status_is 2; err_has "is a directory"
: >"$work/empty.yaml"
l score --team "$work/empty.yaml" --project "$work/project.yaml"; status_is 2; err_has "empty.yaml: is empty"
printf '\xef\xbb\xbf \n\n' >"$work/empty.yaml"
l score --team "$work/empty.yaml" --project "$work/project.yaml"; status_is 2; err_has "empty.yaml: is empty"
head -c 4000 /dev/zero >"$work/binary.yaml"
l score --team "$work/binary.yaml" --project "$work/project.yaml"; status_is 2; err_has "binary.yaml: is not text"
head -c 4200000 /dev/zero | tr '\0' '#' >"$work/large.yaml"
l score --team "$work/large.yaml" --project "$work/project.yaml"; status_is 2; err_has "large.yaml: larger than 4194304 bytes"
l score --team /dev/zero --project "$work/project.yaml"; status_is 2; err_has "/dev/zero: larger than"
if [ "$(id -u)" != 0 ]; then
	: >"$work/closed.yaml"; chmod 0 "$work/closed.yaml"
	l score --team "$work/closed.yaml" --project "$work/project.yaml"; status_is 2; err_has "closed.yaml: Permission denied"
fi

claim "score needs both files, and only one can be standard input"
l score --team "$work/team.yaml"; status_is 2; err_has "score needs --project FILE"
l score --project "$work/project.yaml"; status_is 2; err_has "score needs --team FILE"
l score --team - --project - </dev/null; status_is 2; err_has "only one of --team and --project"

claim "a syntax error names file and line"
printf 'id: x\nmembers: [\n' >"$work/broken.yaml"
l score --team "$work/broken.yaml" --project "$work/project.yaml"; status_is 2; out_empty
grep -qE '^.*broken\.yaml:[0-9]+: .*\(column [0-9]+\)$' "$work/err" || fail "no line"
printf '{"id": "x",\n "members": oops}' >"$work/broken.json"
l score --team "$work/broken.json" --project "$work/project.yaml"; status_is 2; err_has "broken.json:2: "

claim "an unknown field names file, line and the nearest known one"
printf 'id: x\nmembers:\n  - id: m-1\n    dicipline: X\n' >"$work/unknown.yaml"
l score --team "$work/unknown.yaml" --project "$work/project.yaml"; status_is 2
err_has "unknown.yaml:4: members[0].dicipline:"; err_has "discipline"

claim "a bad CSV file is refused by cell, before anything is sent"
printf 'id,critereon\nm-1,a\n' >"$work/bad.csv"
l score --team "$work/bad.csv" --project "$work/project.yaml"; status_is 2
err_has 'bad.csv: B1: unknown column "critereon"; did you mean criterion?'
[ ! -e "$answers/Score.request" ] || fail "something was sent"

# ---- score ----

cp "$work/decision.json" "$answers/Score.reply"

claim "score sends what the files and options say, with a key of its own"
l score --team "$work/team.yaml" --project "$work/project.yaml" --rubric r --candidate m-2 --candidate m-1 \
	--as-of 2026-05-01 --what-if --detail all --ignore-undeclared
status_is 0; err_empty
for part in '"id":"payments"' '"id":"checkout"' '"rubric":"r"' '"candidates":["m-2","m-1"]' '"asOf":"2026-05-01T00:00:00Z"' \
	'"purpose":"WHAT_IF"' '"detail":"ALL"' '"ignoreUndeclared":true'; do
	file_has "$answers/Score.request" "$part"
done
grep -qE '"idempotencyKey":"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"' "$answers/Score.request" || fail "no key"
l score --team "$work/team.yaml" --project "$work/project.yaml" --key mine; status_is 0
file_has "$answers/Score.request" '"idempotencyKey":"mine"'
file_lacks "$answers/Score.request" asOf

claim "YAML, JSON and CSV, by ending or content, from a file, a pipe or standard input, are the same team"
"$leadfit" call --list >/dev/null
printf '{"id": "payments", "members": [{"id": "m-1", "discipline": "X"}]}' >"$work/team.json"
cp "$work/team.json" "$work/no-ending"
l score --team "$work/team.json" --project "$work/project.yaml" --key k; status_is 0; cp "$answers/Score.request" "$work/first"
l score --team "$work/no-ending" --project "$work/project.yaml" --key k; status_is 0; cmp -s "$answers/Score.request" "$work/first" || fail "content"
run "$leadfit" --server "$server" score --team - --project "$work/project.yaml" --key k <"$work/team.json"
status_is 0; cmp -s "$answers/Score.request" "$work/first" || fail "standard input"
l score --team <(cat "$work/team.json") --project "$work/project.yaml" --key k; status_is 0; cmp -s "$answers/Score.request" "$work/first" || fail "pipe"
printf '\xef\xbb\xbfid,discipline\r\nm-1,X\r\n' >"$work/payments.csv"
l score --team "$work/payments.csv" --project "$work/project.yaml" --key k; status_is 0; cmp -s "$answers/Score.request" "$work/first" || fail "CSV"
run "$leadfit" --server "$server" score --team - --team-id payments --project "$work/project.yaml" --key k <"$work/payments.csv"
status_is 0; cmp -s "$answers/Score.request" "$work/first" || fail "CSV on standard input"
run "$leadfit" --server "$server" score --team - --project "$work/project.yaml" <"$work/payments.csv"; status_is 2; err_has "--team-id"

claim "the page has headline, ranking, reasons, assumptions, and how to see it again"
l score --team "$work/team.yaml" --project "$work/project.yaml"; status_is 0; err_empty
out_has "Recommended: m-1 for Checkout redesign (score 0.74, 62% evidence)"
out_matches '^ *1  m-1 +0\.742  #+ +62%'
out_matches '^ *-  m-3 +0\.500'
out_has "interaction"; out_has "0.492"; out_has "(weight)"
out_has "m-1 is recommended because of interaction."
out_has "m-2: Behind on interaction."
out_has "m-3: Availability 0.2 is below 0.3."
out_has "stability_need was assumed to be 0.5."
out_has "2026-05-01 12:00:03 UTC"; out_has "tech-lead 3f2a91c0d2e1"
out_has "leadfit decisions show 0196f0a4-8b6e-7c3d-9f21-5d2f6f1f7a10"

claim "a narrow page has the criteria in a table of their own, and no line is wider than the page"
if command -v script >/dev/null; then
	LC_ALL=C NO_COLOR=1 COLUMNS=50 run script -qec "'$leadfit' --server '$server' score --team '$work/team.yaml' --project '$work/project.yaml'" /dev/null
	tr -d '\r' <"$work/out" >"$work/narrow"; mv "$work/narrow" "$work/out"
	out_has "value (rating)"; out_matches 'interaction +60% +0\.82 \(4\.3\)'
	out_matches 'team_coverage +40% +0\.63' # 0.625: as the sentences of an answer round it
	awk 'length > 50 && !/^Recommended|^Decision|^See it/ { bad = 1 } END { exit bad }' "$work/out" || fail "a line is too wide"
fi

claim "a pipe gets whole tables, whatever COLUMNS says; its texts are as narrow as that"
COLUMNS=40 l score --team "$work/team.yaml" --project "$work/project.yaml"; status_is 0
out_matches '^#  candidate  score +evidence  interaction  team_coverage$'; out_matches '^-  m-3 +0\.500 .* 0\.000 +0\.400$'
awk 'length > 40 && /^  - / { bad = 1 } END { exit bad }' "$work/out" || fail "a text is too wide"

claim "a pipe gets no colour, no cursor, no bars beyond ASCII; --color always gets colour"
l score --team "$work/team.yaml" --project "$work/project.yaml"
! LC_ALL=C grep -q '[^ -~]' "$work/out" || fail "more than ASCII"
l score --color always --team "$work/team.yaml" --project "$work/project.yaml"; out_has $'\033[1;32m'

claim "a terminal gets colour and bars; NO_COLOR takes the colour away"
if command -v script >/dev/null; then
	command_line="'$leadfit' --server '$server' score --team '$work/team.yaml' --project '$work/project.yaml'"
	run script -qec "$command_line" /dev/null; status_is 0; out_has $'\033[1;32m'; out_has "█"
	NO_COLOR=1 run script -qec "$command_line" /dev/null; out_lacks $'\033'; out_has "█"
	LC_ALL=C run script -qec "$command_line" /dev/null; out_lacks "█"; out_has "#####"
fi

claim "JSON output is the message alone, and reads back"
l score --output json --team "$work/team.yaml" --project "$work/project.yaml"; status_is 0; err_empty
out_has '"decisionId": "0196f0a4-8b6e-7c3d-9f21-5d2f6f1f7a10"'; out_has '"contribution": 0.492'
cp "$work/out" "$answers/Score.reply"
l --output=json score --team "$work/team.yaml" --project "$work/project.yaml"
cmp -s "$work/out" "$answers/Score.reply" || fail "reading it back changes it"

claim "scores and shares that differ look different"
python3 - "$work/decision.json" >"$answers/Score.reply" <<'END'
import json, sys
decision = json.load(open(sys.argv[1]))
for place, candidate in enumerate(decision["ranking"]):
    candidate["score"], candidate["evidenceShare"] = 0.75004 - place * 0.00003, 0.9999 - place * 0.9998
print(json.dumps(decision))
END
l score --team "$work/team.yaml" --project "$work/project.yaml"; status_is 0
out_has "0.75004 "; out_has "0.75001 "; out_has ">99%"; out_has " <1%"
cp "$work/decision.json" "$answers/Score.reply"

claim "without a recommendation the status is 0, and 1 under --strict"
for outcome in TOO_CLOSE:"too close" INSUFFICIENT_EVIDENCE:"too little evidence" NO_ELIGIBLE_CANDIDATE:"nobody meets"; do
	sed -e "s/RECOMMENDED/${outcome%%:*}/" -e 's/"recommended": "m-1",//' "$work/decision.json" >"$answers/Score.reply"
	l score --team "$work/team.yaml" --project "$work/project.yaml"; status_is 0
	out_has "No recommendation for Checkout redesign"; out_has "${outcome#*:}"
	l score --strict --team "$work/team.yaml" --project "$work/project.yaml"; status_is 1; out_has "${outcome#*:}"
done
cp "$work/decision.json" "$answers/Score.reply"
l score --strict --team "$work/team.yaml" --project "$work/project.yaml"; status_is 0

claim "text from the service can't steer the terminal"
sed -e 's/Checkout redesign/evil \\u001b[2J \\u009b title/' "$work/decision.json" >"$answers/Score.reply"
l score --team "$work/team.yaml" --project "$work/project.yaml"; status_is 0; out_lacks $'\033'; out_lacks $'\302\233'; out_has "evil ?[2J"
sed -e 's/Checkout redesign/Pay\\u202eroll/' -e 's/"m-1"/"m-\\u200b1"/g' "$work/decision.json" >"$answers/Score.reply"
l score --team "$work/team.yaml" --project "$work/project.yaml"; status_is 0; out_has "m-?1 for Pay?roll"; out_matches '^1 +m-[?]1 '
out_lacks $'\342\200'
l score --team "$work/team.yaml" --project "$work/project.yaml" --output json; status_is 0; out_lacks $'\342\200'
out_has 'Pay\u202eroll'; out_has '"m-\u200b1"'
cp "$work/decision.json" "$answers/Score.reply"

printf '{"code": 5, "message": "evil \\u001b[2J \\u009b reason"}' >"$answers/Score.error"
l score --team "$work/team.yaml" --project "$work/project.yaml"; status_is 2; err_has "evil ?[2J ? reason"; err_lacks $'\302\233'
rm "$answers/Score.error"

claim "what the service finds wrong is told by file and line, all of it"
cat >"$answers/Score.error" <<'END'
{"code": 3, "message": "team.members[0].evidence[1].rating: 7 is outside 1..5 (and 3 more)", "violations": [
 {"field": "team.members[0].evidence[1].rating", "description": "7 is outside 1..5"},
 {"field": "project.traits[\"interaction_focus\"]", "description": "2 is outside 0..1"},
 {"field": "candidates[0]", "description": "\"m-9\" is not a member"},
 {"field": "something.else", "description": "is odd"}]}
END
l score --team "$work/team.yaml" --project "$work/project.yaml"; status_is 2; out_empty
err_has "team.yaml:7: members[0].evidence[1].rating: 7 is outside 1..5"
err_has "project.yaml:3: traits[\"interaction_focus\"]: 2 is outside 0..1"
err_has '--candidate: "m-9" is not a member'
err_has "something.else: is odd"
sed -i 's/members\[0\].evidence\[1\]/members[1].evidence[0]/g' "$answers/Score.error"
l score --team "$work/team.csv" --project "$work/project.yaml"; status_is 2
err_has "team.csv: D3: rating: 7 is outside 1..5"

claim "every status has its exit status, and the message is told"
for pair in 2:3 3:2 5:2 6:4 7:4 8:3 9:4 11:2 13:3 14:3 15:3 16:4; do
	printf '{"code": %s, "message": "the reason"}' "${pair%:*}" >"$answers/Score.error"
	l score --timeout 5 --team "$work/team.yaml" --project "$work/project.yaml"; status_is "${pair#*:}"; out_empty; err_has "the reason"
done
err_has "--token-file"

claim "when it is not known whether the decision is stored, the key to ask again is told"
rm -f "$answers/Score.error"; : >"$answers/Score.hang"
l score --timeout 3 --key mine --team "$work/team.yaml" --project "$work/project.yaml"; status_is 3; out_empty; err_has "--key mine"
rm -f "$answers/Score.hang"

# ---- the other commands ----

claim "a service out of reach is status 3, and the address is told"
for command in health "rubric list" "decisions list" "call Decisions/List" "decisions show 0196f0a4-8b6e-7c3d-9f21-5d2f6f1f7a10"; do
	# shellcheck disable=SC2086
	run "$leadfit" --server "ipc://$work/none" --timeout 1 $command
	status_is 3; out_empty; err_has "ipc://$work/none"
done
LEADFIT_SERVER="ipc://$work/none" run "$leadfit" --timeout 1 health; status_is 3; err_has "ipc://$work/none"
run "$leadfit" --server "nonsense" health; status_is 2

claim "a service over HTTP is named by its URL, and what is wrong with one is said"
for url in http://127.0.0.1:1 "unix:$work/none"; do
	run "$leadfit" --server "$url" --timeout 1 health; status_is 3; out_empty; err_has "can't reach $url: "
done
for url in http:// http://:80 http://a:0 http://a:65536 https://a:x unix: http://a?b; do
	run "$leadfit" --server "$url" health; status_is 2; out_empty; err_has "$url: "
done
run "$leadfit" --server http://me@a health; status_is 2; err_has "no user or password"
run "$leadfit" --server https://a/b health; status_is 2; err_has "not below a path"
run "$leadfit" --server tls+tcp://a:1 health; status_is 2; err_has "use https://"

claim "certificates are files for https, and are named where they are no use"
run "$leadfit" --server https://a --ca "$work/none" health; status_is 2; out_empty; err_has "--ca: $work/none: No such file"
run "$leadfit" --server https://a --cert "$work/none" health; status_is 2; err_has "--cert: "
run "$leadfit" --server https://a --cert-key "$work/none" health; status_is 2; err_has "--cert-key: "
run "$leadfit" --server "$server" --ca "$work/none" health; status_is 2; err_has "--ca: $server has no certificates: only https:// has"
LEADFIT_CA="$work/none" run "$leadfit" --server https://a health; status_is 2; err_has "$work/none"
LEADFIT_CA="$work/none" run "$leadfit" --server "ipc://$work/none" --timeout 1 health; status_is 3

claim "what is empty is a mistake, and no other service is asked instead"
run "$leadfit" --server "" health; status_is 2; out_empty; err_has "--server is empty (a variable that is not set?)"
run "$leadfit" --server= health; status_is 2; out_empty; err_has "--server is empty"
LEADFIT_SERVER="" run "$leadfit" health; status_is 2; out_empty; err_has "LEADFIT_SERVER is empty"
LEADFIT_SERVER="" run "$leadfit" --server "ipc://$work/none" --timeout 1 health; status_is 3; err_has "ipc://$work/none"
run "$leadfit" score --team "" --project p.yaml; status_is 2; out_empty; err_has "--team is empty (a variable that is not set?)"
run "$leadfit" score --team t.yaml --project ""; status_is 2; err_has "--project is empty"
run "$leadfit" --token-file "" health; status_is 2; err_has "--token-file is empty"
run "$leadfit" decisions export ""; status_is 2; err_has "decisions export: an operand is empty (a variable that is not set?); it takes FILE"

claim "profile prints disciplines and what counts"
cat >"$answers/Profile.reply" <<'END'
{"rubric": {"name": "r", "digest": "00"}, "project": {"id": "checkout", "title": "Checkout redesign"},
 "disciplines": [{"discipline": "FRONTEND", "score": 0.7}, {"discipline": "BACKEND", "score": 0.5}],
 "weights": [{"criterion": "interaction", "weight": 0.6}], "explanation": ["It is about people."]}
END
l profile --project "$work/project.yaml"; status_is 0; out_has "Checkout redesign calls for FRONTEND"; out_matches 'BACKEND +0\.500'
out_matches 'interaction +60%'; out_has "It is about people."; out_lacks "What this assumes"
l profile --project "$work/project.yaml" --team "$work/team.csv"; status_is 0; file_has "$answers/Profile.request" '"m-2"'
l profile; status_is 2; err_has "profile needs --project FILE"

claim "decisions list sends its filters"
printf '{}' >"$answers/List.reply"
l decisions list --team t --project p --candidate c --outcome too-close --since 2026-01-01 --until 2026-02-01T12:00:00+02:00 --limit 7
status_is 0; out_is "No decision matches."
for part in '"team":"t"' '"project":"p"' '"candidate":"c"' '"outcome":"TOO_CLOSE"' '"since":"2026-01-01T00:00:00Z"' \
	'"until":"2026-02-01T10:00:00Z"' '"pageSize":7'; do
	file_has "$answers/List.request" "$part"
done
l decisions list --output json; out_is "{}"
l decisions list --outcome close; status_is 2; err_has "--outcome"
l decisions list --since yesterday; status_is 2; err_has "--since: yesterday is neither"
l decisions list --limit 0; status_is 2; err_has "--limit"
l decisions list --limit 3 --all; status_is 2; err_has "exclude each other"
l decisions list --team ""; status_is 2; err_has "--team is empty (a variable that is not set?)"

claim "decisions list asks for pages until it has enough, short and empty ones too"
kill "${started[0]}"; wait "${started[0]}" 2>/dev/null; clear_answers # so that calls are counted from 1
restart() { : >"$work/fake.log"; "$fake" "$server" "$answers" >"$work/fake.log" 2>&1 & started=($!); wait_for "$work/fake.log" listening; } # the last one's "listening" is not this one's
summary() { printf '{"decisionId": "id-%s", "team": "t", "project": "p", "outcome": "RECOMMENDED", "recommended": "m-1", "decidedAt": "2026-05-01T12:00:03Z"}' "$1"; }
printf '{"decisions": [%s], "nextPageToken": "a"}' "$(summary 1)" >"$answers/List.reply.1"
printf '{"nextPageToken": "b"}' >"$answers/List.reply.2"
printf '{"decisions": [%s, %s], "nextPageToken": "c"}' "$(summary 2)" "$(summary 3)" >"$answers/List.reply.3"
printf '{"decisions": [%s]}' "$(summary 4)" >"$answers/List.reply.4"
rm -f "$work/socket"; restart
l decisions list --all; status_is 0; err_empty
for i in 1 2 3 4; do out_has "id-$i"; done
[ "$(grep -c 'decided (UTC)' "$work/out")" = 1 ] || fail "the heading stands more than once"
kill "${started[0]}"; wait "${started[0]}" 2>/dev/null; rm -f "$work/socket"; restart
l decisions list --all --output json; status_is 0
cp "$work/out" "$answers/List.reply"; cp "$work/out" "$work/list.json"
l decisions list --all --output json; cmp -s "$work/out" "$work/list.json" || fail "the list reads back as something else"
kill "${started[0]}"; wait "${started[0]}" 2>/dev/null; rm -f "$work/socket"; restart
l decisions list --limit 3; status_is 0; out_has "id-3"; out_lacks "id-4"; out_has "--all"; file_has "$answers/List.request" '"pageSize":2'
file_has "$answers/List.request" '"pageToken":"b"'
rm -f "$answers"/List.reply.*
printf '{"nextPageToken": "z"}' >"$answers/List.reply"
l decisions list --all; status_is 3; err_has "same page again"

claim "decisions show prints the decision, and its id in the request"
cp "$work/decision.json" "$answers/Get.reply"
l decisions show 0196f0a4-8b6e-7c3d-9f21-5d2f6f1f7a10; status_is 0; out_has "Recommended: m-1"
file_has "$answers/Get.request" '"decisionId":"0196f0a4-8b6e-7c3d-9f21-5d2f6f1f7a10"'
printf '{"code": 5, "message": "there is no decision x"}' >"$answers/Get.error"
l decisions show x; status_is 2; err_has "there is no decision x"
clear_answers

claim "rubric check tells faults by file and line on standard output, with status 1"
cat >"$work/rubric.yaml" <<'END'
name: r
scale: {min: 1, max: 5}
criteria:
  - id: a
    weight: {base: 1}
  - id: a
    weight: {base: -1}
END
cat >"$answers/Check.reply" <<'END'
{"ref": {"name": "r", "digest": "ab"}, "errors": [{"field": "criteria[1].id", "description": "\"a\" is there twice"},
 {"field": "rubric.criteria[1].weight.base", "description": "-1 is below 0"}]}
END
l rubric check "$work/rubric.yaml"; status_is 1; err_empty
out_has 'rubric.yaml:6: criteria[1].id: "a" is there twice'
out_has 'rubric.yaml:7: criteria[1].weight.base: -1 is below 0'
l rubric check --output json "$work/rubric.yaml"; status_is 1; out_has '"field": "criteria[1].id"'
printf '{"ref": {"name": "r", "digest": "ab"}}' >"$answers/Check.reply"
l rubric check "$work/rubric.yaml"; status_is 0; out_has "this rubric can be used: r ab"

cat >"$answers/Check.reply" <<'END'
{"ref": {"name": "r", "digest": "ab"}, "errors": [{"field": "criteria[1].weight.base", "description": "is bad"},
 {"field": "name", "description": "is odd"}], "warnings": [{"field": "criteria[0]", "description": "is strange"}]}
END
claim "rubric check tells faults in the order of the lines, then warnings, which alone are no fault"
l rubric check "$work/rubric.yaml"; status_is 1; err_empty
out_is "$work/rubric.yaml:1: name: is odd
$work/rubric.yaml:7: criteria[1].weight.base: is bad
$work/rubric.yaml:4: warning: criteria[0]: is strange"
sed -i 's/"errors": .*$/"warnings": [{"field": "scale.min", "description": "is strange"}]}/; 2d' "$answers/Check.reply"
l rubric check "$work/rubric.yaml"; status_is 0; err_empty
out_is "$work/rubric.yaml:2: warning: scale.min: is strange
$work/rubric.yaml: this rubric can be used: r ab"
l rubric check --output json "$work/rubric.yaml"; status_is 0; out_has '"warnings": ['

claim "rubric check finds faults of reading as faults too, and a file it can't read is status 2"
printf 'name: r\nscael: {min: 1}\n' >"$work/rubric.yaml"
l rubric check "$work/rubric.yaml"; status_is 1; out_has "rubric.yaml:2: scael:"; err_empty
l rubric check "$work/rubric.yaml" --output json; status_is 1; out_has '"field": "scael"'
printf 'name: [\n' >"$work/rubric.yaml"
l rubric check "$work/rubric.yaml"; status_is 1; out_matches 'rubric\.yaml:[0-9]+: '
l rubric check "$work/none.yaml"; status_is 2; out_empty; err_has "No such file"

claim "rubric fmt prints one canonical form, which is its own, and needs no service"
f() { run "$leadfit" --server "ipc://$work/none" rubric "$@"; }
printf 'scale:\n  max: 5\n  min: 1.0\nname: "r"\ncriteria: [{id: a, weight: {base: 1}}]\n' >"$work/messy.yaml"
f fmt "$work/messy.yaml"; status_is 0; err_empty
out_is 'name: r
scale: {min: 1, max: 5}
criteria:
  - {id: a, weight: {base: 1}}'
cp "$work/out" "$work/tidy.yaml"
f fmt "$work/tidy.yaml"; status_is 0; cmp -s "$work/out" "$work/tidy.yaml" || fail "it is not its own canonical form"
run "$leadfit" rubric fmt - <"$work/messy.yaml"; status_is 0; cmp -s "$work/out" "$work/tidy.yaml" || fail "standard input"
f fmt --output json "$work/messy.yaml"; status_is 0; out_has '"name": "r"'; cp "$work/out" "$work/rubric.json"
f fmt "$work/rubric.json"; status_is 0; cmp -s "$work/out" "$work/rubric.json" || fail "JSON does not stay JSON"
printf '%s\n' 'expertise: {strength: 1}' 'thresholds: {margin: 0.1}' 'criteria: [{unknown_value: 0.5, id: a, derived: TEAM_COVERAGE, weight: {base: 1}}]' \
	'disciplines: [{shown_by: [a], id: D}]' 'name: r' 'gates: [{criterion: a, at_least: 0.5}]' >"$work/label.yaml"
f fmt "$work/label.yaml"; status_is 0
out_is 'name: r
disciplines:
  - {id: D, shown_by: [a]}
criteria:
  - {id: a, weight: {base: 1}, unknown_value: 0.5, derived: TEAM_COVERAGE}
gates:
  - {criterion: a, at_least: 0.5}
expertise: {strength: 1}
thresholds: {margin: 0.1}'
f fmt --color always "$work/messy.yaml"; cmp -s "$work/out" "$work/tidy.yaml" || fail "colour"

claim "rubric fmt --check names a file that is not in canonical form, with status 1"
f fmt --check "$work/messy.yaml"; status_is 1; out_is "$work/messy.yaml"; err_empty
f fmt --check "$work/tidy.yaml"; status_is 0; out_empty; err_empty

claim "rubric fmt --write replaces the file whole, its mode kept, and never drops a comment unasked"
chmod 640 "$work/messy.yaml"; ln -s messy.yaml "$work/link.yaml"
f fmt --write "$work/link.yaml"; status_is 0; out_empty; err_empty
cmp -s "$work/messy.yaml" "$work/tidy.yaml" || fail "the file is not rewritten"
[ "$(stat -c %a "$work/messy.yaml")" = 640 ] || fail "its mode has changed"
[ -L "$work/link.yaml" ] || fail "the link is gone"
printf '# why\nname: "r"\n' >"$work/comment.yaml"; cp "$work/comment.yaml" "$work/before.yaml"
f fmt --write "$work/comment.yaml"; status_is 2; out_empty; err_has "has comments"; err_has "--force"
cmp -s "$work/comment.yaml" "$work/before.yaml" || fail "the file has changed"
f fmt --write --force "$work/comment.yaml"; status_is 0; [ "$(cat "$work/comment.yaml")" = "name: r" ] || fail "not rewritten"
f fmt --write "$work/unknown.yaml"; status_is 2
long=$work/$(printf 'x%.0s' {1..250}).yaml
printf 'name: "r"\n' >"$long"; f fmt --write "$long"; status_is 0; err_empty; [ "$(cat "$long")" = "name: r" ] || fail "a long name is not rewritten"
[ -z "$(find "$work" -name '*.tmp')" ] || fail "a file is left beside it"
printf 'name: "r"\ntitle: %02000d\n' 0 >"$work/before.yaml"; cp "$work/before.yaml" "$work/big.yaml"
(ulimit -f 1; trap '' XFSZ; "$leadfit" rubric fmt --write "$work/big.yaml" >"$work/out" 2>"$work/err"; echo $? >"$work/status")
status=$(cat "$work/status"); status_is 3; err_has "big.yaml: File too large"; err_lacks "leadfitd"
cmp -s "$work/big.yaml" "$work/before.yaml" || fail "the file has changed"

claim "rubric fmt refuses what is no rubric, and options that do not go together"
f fmt "$work/unknown.yaml"; status_is 2; out_empty; err_has "unknown.yaml:2: members: unknown field"
f fmt "$work/none.yaml"; status_is 2; err_has "No such file"
f fmt --check --write "$work/tidy.yaml"; status_is 2; err_has "only one of --check and --write"
f fmt --force "$work/tidy.yaml"; status_is 2; err_has "--force stands with --write"
f fmt --write --output json "$work/tidy.yaml"; status_is 2; err_has "--output json"
f fmt --write -; status_is 2; err_has "needs a file"
f fmt; status_is 2

claim "rubric diff tells what differs between two files, with status 1, and needs no service"
sed -e 's/base: 1/base: 2/' "$work/tidy.yaml" >"$work/new.yaml"
f diff "$work/tidy.yaml" "$work/new.yaml"; status_is 1; err_empty; out_has "  - weight of a: base 1 -> 2"
f diff "$work/tidy.yaml" "$work/rubric.json"; status_is 0; out_has "The two say the same."
f diff "$work/tidy.yaml" "$work/new.yaml" --output json; status_is 1
out_has '{"path": "criteria[\"a\"].weight.base", "kind": "CHANGED", "old": 1, "new": 2, "scores": true, "text": "weight of a: base 1 -> 2"}'
f diff "$work/tidy.yaml" "$work/tidy.yaml" --output json; status_is 0; out_has '"changes": []'
sed -e 's/^name: r/name: r\ntitle: T/' "$work/tidy.yaml" >"$work/new.yaml"
f diff "$work/tidy.yaml" "$work/new.yaml"; status_is 1; out_has "no score changes"; out_lacks "Share of weight"
f diff "$work/tidy.yaml" "$work/unknown.yaml"; status_is 2; out_empty; err_has "unknown.yaml:2: members"
f diff "$work/tidy.yaml" "$work/none.yaml"; status_is 2; err_has "No such file"
f diff - -; status_is 2; err_has "only one of the two"
f diff "$work/tidy.yaml"; status_is 2
f diff "$work/tidy.yaml" tech-lead; status_is 3; err_has "is leadfitd running there?"

claim "rubric diff asks for stored versions by name and digest"
cat >"$answers/Get.reply" <<'END'
{"version": {"ref": {"name": "r", "digest": "3f2a91c0d2e14455667788990011223344556677889900112233445566778899"}, "active": true},
 "rubric": {"name": "r", "scale": {"min": 1, "max": 5}, "criteria": [{"id": "a", "weight": {"base": 3}}]}}
END
l rubric diff r "$work/tidy.yaml"; status_is 1; out_has "Old: r 3f2a91c0d2e1"; out_has "weight of a: base 3 -> 1"
file_has "$answers/Get.request" '"name":"r"'; file_lacks "$answers/Get.request" digest
l rubric diff "r@3f2a91c0d2e14455667788990011223344556677889900112233445566778899" "$work/tidy.yaml"; status_is 1
file_has "$answers/Get.request" '"name":"r"'; file_has "$answers/Get.request" '"digest":"3f2a'
l rubric diff 3f2a91c0d2e14455667788990011223344556677889900112233445566778899 "$work/tidy.yaml"; status_is 1
file_lacks "$answers/Get.request" '"name"'; file_has "$answers/Get.request" '"digest":"3f2a'
l rubric diff r r; status_is 0; out_has "The two say the same."
rm "$answers/Get.reply"

claim "rubric weights makes weights of comparisons or points, and tells how far they contradict each other"
cat >"$work/judgement.yaml" <<'END'
criteria: [a, b, c]
comparisons:
  - {a: a, b: b, ratio: 2}
  - {a: b, b: c, ratio: 2}
  - {a: a, b: c, ratio: 4}
END
f weights "$work/judgement.yaml"; status_is 0; err_empty
out_has "Lambda max 3.0000, consistency index 0.000, consistency ratio 0.000 (random index 0.525 for 3 criteria)"
out_has "  - {id: a, weight: {base: 0.571}}"; out_lacks Warning
f weights "$work/judgement.yaml" --output json; status_is 0; out_matches '"lambdaMax": (3|2.9999|3.0000)'; out_has '"randomIndex": 0.525'
sed -i 's,ratio: 4,ratio: 1/4,' "$work/judgement.yaml"
f weights "$work/judgement.yaml"; status_is 0; out_has "Warning: a ratio above 0.1"
out_has "a counts 2 times as much as b, b counts 2 times as much"
f weights --color always "$work/judgement.yaml"; out_has $'\033[1;33mWarning'
sed -i 's/{a: a, b: b/{a: a, b: bb/' "$work/judgement.yaml"
f weights "$work/judgement.yaml"; status_is 2; out_empty
err_has 'judgement.yaml:3: comparisons[0].b: "bb" is not among the criteria; nearest: b'; err_has "a and b are not compared"
printf '{"direct": {"x": 1, "y": 3}}' >"$work/points.json"
run "$leadfit" rubric weights - <"$work/points.json"; status_is 0; out_has "{id: y, weight: {base: 0.75}}"; out_lacks Lambda
printf '{"direct": {"x": 10000, "y": 1, "z": 4}}' >"$work/points.json"
f weights "$work/points.json"; status_is 0; out_has "{id: y, weight: {base: 0.0001}}"; out_has "{id: z, weight: {base: 0.0004}}"
out_has "y          0.0001"
f weights "$work/none.yaml"; status_is 2; err_has "No such file"

claim "rubric list and show print what there is"
cat >"$answers/List.reply" <<'END'
{"versions": [{"ref": {"name": "tech-lead", "digest": "3f2a91c0d2e14455"}, "title": "Technical lead", "active": true,
 "putAt": "2026-05-01T12:00:03Z", "putBy": "local"}]}
END
l rubric list; status_is 0; out_matches 'tech-lead +yes +3f2a91c0d2e1 +2026-05-01 12:00 +local +Technical lead'
l rubric list --output json; out_has '"active": true'
cat >"$answers/Get.reply" <<'END'
{"version": {"ref": {"name": "r", "digest": "ab"}, "active": true, "putAt": "2026-05-01T12:00:03Z", "putBy": "local"},
 "rubric": {"name": "r", "title": "A rubric", "description": "What it is for.", "scale": {"min": 1, "max": 5}, "halfLifeDays": 540,
 "sources": {"PEER": 1, "SELF": 0.4}, "disciplines": [{"id": "FULL", "title": "Full", "covers": {"BACK": 0.7}, "shownBy": ["a"]}, {"id": "BACK", "shownBy": ["a"]}],
 "expertise": {"strength": 2},
 "traits": [{"id": "t", "title": "Trait", "question": "How much?", "default": 0.25}],
 "criteria": [{"id": "a", "title": "Architecture", "description": "Look here.", "levels": {"1": "none", "5": "all"},
   "curve": [{"rating": 1, "value": 0}, {"rating": 5, "value": 1}], "weight": {"base": 0.25, "traits": {"t": -0.1}},
   "prior": {"strength": 2, "mean": {"FULL": 3.6}, "defaultMean": 3}, "unknownValue": 0.4},
  {"id": "d", "derived": "DOMAIN_ALIGNMENT", "weight": {"base": 0.15}, "needs": [{"discipline": "FULL", "base": 0.1, "traits": {"t": 0.9}}]}],
 "gates": [{"criterion": "a", "atLeast": 2}, {"availabilityAtLeast": 0.3}], "aggregation": "HARMONIC",
 "thresholds": {"margin": 0.02, "evidenceShare": 0.25}}}
END
l rubric show r; status_is 0
for part in "r: A rubric" "a (Architecture)" "weight: 0.25 - 0.1 x t" "needs FULL: 0.1 + 0.9 x t" "FULL 3.6, others 3" "1: none" \
	"assumed to be 0.25" "FULL (Full) covers BACK 0.7; shown by evidence on a" "BACK is shown by evidence on a" \
	"weighs as much as 2 pieces of evidence" "value where nothing is known: 0.4" "PEER 1, SELF 0.4" "540 days" "HARMONIC" "with a below 2" \
	"an availability below 0.3" "at least 0.02" "Digest ab"; do
	out_has "$part"
done
l rubric show --output json; out_has '"halfLifeDays": 540'
l rubric show --digest 12; status_is 2; err_has "--digest"

claim "call takes any method, and the package may be left out"
l call --list; status_is 0; out_has "leadfit.v1.Scoring/Score"; out_has "grpc.health.v1.Health/Check"
cp "$work/decision.json" "$answers/Get.reply"
l call Decisions/Get '{"decisionId": "x"}'; status_is 0; out_has '"recommended": "m-1"'
printf 'decision_id: y\n' >"$work/request.yaml"
l call leadfit.v1.Decisions/Get "@$work/request.yaml"; status_is 0; file_has "$answers/Get.request" '"decisionId":"y"'
run "$leadfit" --server "$server" call Decisions/Get - <"$work/request.yaml"; status_is 0
l call Decisions/Gte; status_is 2; out_empty; err_has "did you mean leadfit.v1.Decisions/Get"
l call Decisions/Get '{"decisionIdd": "x"}'; status_is 2; err_has "decisionIdd"; err_has "decisionId"
l call Decisions/Get '{'; status_is 2; err_has "JSON:"
l call; status_is 2; err_has "call needs METHOD"

claim "health is 0 when serving, and 3 when not"
printf '{"status": "SERVING"}' >"$answers/Check.reply"
l health; status_is 0; out_is SERVING
l health leadfit.v1.Scoring; file_has "$answers/Check.request" '"service":"leadfit.v1.Scoring"'
printf '{"status": "NOT_SERVING"}' >"$answers/Check.reply"
l health; status_is 3; out_is NOT_SERVING
: >"$answers/Check.hang"
l health --timeout 0.3; status_is 3
rm "$answers/Check.hang"

claim "version tells the service's where --server is given"
printf '{"version": "9.8.7"}' >"$answers/Describe.reply"
l version; status_is 0; out_has "leadfitd 9.8.7 at $server"
l version --output json; out_has '"service": "9.8.7"'

claim "token splits line and secret, and they belong together"
run "$leadfit" token hr --roles read,score; status_is 0
secret=$(grep -E '^[A-Za-z0-9_-]{43}$' "$work/err")
[ -n "$secret" ] || fail "no secret on standard error"
out_is "hr $(printf %s "$secret" | sha256sum | cut -d' ' -f1) read,score"
run "$leadfit" token hr --roles admin --token-out "$work/hr.token"; status_is 0; err_empty
[ "$(stat -c %a "$work/hr.token")" = 600 ] || fail "others may read the token"
out_is "hr $(tr -d '\n' <"$work/hr.token" | sha256sum | cut -d' ' -f1) admin"
run "$leadfit" token hr --roles admin --token-out "$work/hr.token"; status_is 2; out_empty; err_has "File exists"
run "$leadfit" token hr --roles raed; status_is 2; out_empty; err_has "did you mean read?"
run "$leadfit" token hr --roles read,; status_is 2
run "$leadfit" token "h r" --roles read; status_is 2; err_has "without spaces"
run "$leadfit" token hr; status_is 2; err_has "--roles"

# ---- ends ----

claim "a reader that goes away ends it quietly"
head -c 200000 /dev/zero | tr '\0' x >"$work/long"
printf '{"decisions": [%s]}' "$(for i in $(seq 800); do summary "$i"; printf ,; done; summary last)" >"$answers/List.reply"
{ "$leadfit" --server "$server" decisions list --all 2>"$work/err"; echo $? >"$work/status"; } | head -n 1 >"$work/out"
status=$(cat "$work/status"); err_empty; [ "$status" = 0 ] || [ "$status" = 141 ] || fail "odd status"

claim "a full disk is status 3, and is told"
if [ -w /dev/full ]; then
	status=0; "$leadfit" --server "$server" decisions list >/dev/full 2>"$work/err" || status=$?
	: >"$work/out"; status_is 3; err_has "can't write to standard output"
	status=0; "$leadfit" help >/dev/full 2>"$work/err" || status=$?; status_is 3
fi

claim "a closed standard output is an error, and nothing of it reaches the service"
status=0; "$leadfit" --server "$server" version >&- 2>"$work/err" || status=$?
: >"$work/out"; status_is 3; err_has "can't write to standard output"
l version; status_is 0

claim "a job goes on when the command that waits for it does not, and says so"
job() { printf '{"jobId": 7, "kind": "ERASE", "state": "%s", "phase": "WALKING", "problem": "%s", "decisions": 3}' "$1" "$2"; }
erase=(decisions erase --candidate m-1 --reason asked --yes)
job RUNNING "" >"$answers/StartErase.reply"; job RUNNING "" >"$answers/Get.reply"; rm -f "$answers/Get.request"
env --default-signal=INT "$leadfit" --server "$server" "${erase[@]}" >"$work/out" 2>"$work/err" &
pid=$!
for _ in $(seq 1200); do [ -e "$answers/Get.request" ] && break; sleep 0.05; done
kill -INT "$pid"; status=0; wait "$pid" || status=$?
status_is 130; out_empty; err_has "job 7 goes on in the service: leadfit jobs show 7"
grep -q '"jobId":"7"' "$answers/Get.request" || fail "it asked: $(cat "$answers/Get.request")"
printf '{"code": 14, "message": "stopping"}' >"$answers/Get.error"
l "${erase[@]}"; status_is 3; err_has "stopping"; err_has "job 7 goes on in the service: leadfit jobs show 7"
rm "$answers/Get.error"; l "${erase[@]}" --no-wait; status_is 0; out_has "Job 7 (erase): running"; err_empty
printf '{"code": 14, "message": "stopping"}' >"$answers/StartErase.error"
l "${erase[@]}"; status_is 3; err_lacks "goes on"; rm "$answers/StartErase.error"

claim "a job that fails is status 4, and says why"
job FAILED "decisions with this person keep coming" >"$answers/Get.reply"
l "${erase[@]}"; status_is 4; out_empty; err_has "job 7 failed: decisions with this person keep coming"
l jobs show 7; status_is 0; out_has "Job 7 (erase): failed"; out_has "Problem: decisions with this person keep coming"
job WAITING "the disk is full" >"$answers/Get.reply"
l jobs show 7; status_is 0; out_has "Job 7 (erase): waiting to try again"; out_has "Problem: the disk is full"
job DONE "" >"$answers/Get.reply"; l "${erase[@]}"; status_is 0; out_has "Erased from 3 decisions"

claim "Ctrl-C ends it at once with 130"
: >"$answers/Check.hang"
# A shell starts background jobs with SIGINT ignored; env gives it back. Where others use the processors the service may
# not be reached in time; then once more.
start_health() {
	env --default-signal=INT "$leadfit" --server "$server" --timeout 60 health >"$work/out" 2>"$work/err" &
	pid=$!
}
start_health
for _ in $(seq 1200); do
	[ -e "$answers/Check.request" ] && break
	kill -0 "$pid" 2>/dev/null || start_health
	sleep 0.05
done
sleep 0.2
kill -INT "$pid"; status=0; wait "$pid" || status=$?
status_is 130; out_empty

finish
