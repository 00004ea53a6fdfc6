#!/bin/bash
# leadfit batch, against the real service. Usage: batch_test.sh LEADFIT LEADFITD SOURCE_FOLDER FAKE. LF_TEST_SEED sets the moments of the kills.
set -u
leadfit=$1
leadfitd=$2
source_folder=$3
fake=$4
. "$(dirname "$0")/assert.sh"

unset LEADFIT_TOKEN COLUMNS NO_COLOR
export LC_ALL=C.UTF-8
RANDOM=${LF_TEST_SEED:=$RANDOM}
echo "LF_TEST_SEED=$LF_TEST_SEED"
export LEADFIT_SERVER=ipc://$work/socket
cd "$work" || exit 1

start() {
	: >daemon.log
	"$leadfitd" --db "$work/log.db" --listen "$LEADFIT_SERVER" --rubric "$source_folder/service/rubrics/tech-lead.yaml" 2>daemon.log &
	server=$!
	started+=("$server")
	wait_for daemon.log ready
}
l() { run "$leadfit" "$@"; }
b() { run "$leadfit" batch "$@"; }
same() { cmp -s "$1" "$2" || fail "$1 and $2 differ"; }
absent() { [ ! -e "$1" ] || fail "$1 is there"; }
lines() { [ "$(wc -l <"$1")" = "$2" ] || fail "$1 has $(wc -l <"$1") lines, not $2"; }
# What does not differ from run to run.
bare() { sed -e 's/"decisionId":"[^"]*",//' -e 's/"decidedAt":"[^"]*",//' "$1"; }
same_bare() { cmp -s <(bare "$1") <(bare "$2") || fail "$1 and $2 differ by more than ids"; }
# stored PREFIX: how many decisions there are about projects of that name, and how often one has more than one.
stored() { "$leadfit" decisions export --format csv --columns project 2>/dev/null | tr -d '\r' | grep "^$1-" >stored.txt; lines_stored=$(wc -l <stored.txt); twice=$(sort stored.txt | uniq -d | wc -l); }
once_each() { stored "$1"; [ "$lines_stored $twice" = "$2 0" ] || fail "$lines_stored decisions for $2 lines, $twice of them more than once"; }
until_lines() {
	local i
	for i in $(seq 1200); do
		[ "$(wc -l 2>/dev/null <"$1" || echo 0)" -ge "$2" ] && return
		sleep 0.05
	done
	echo "FAILED: $1 never had $2 lines" && exit 1
}

# requests PREFIX COUNT: each about a project of its own, so that each is told from the others.
requests() {
	awk -v p="$1" -v n="$2" 'BEGIN { for (i = 1; i <= n; i++) {
		printf "{\"team\":{\"id\":\"t%d\",\"members\":[{\"id\":\"a%d\",\"discipline\":\"BACKEND\"},{\"id\":\"b\",\"discipline\":\"FRONTEND\"}]},", i % 7, i % 5
		printf "\"project\":{\"id\":\"%s-%d\",\"traits\":{\"interaction_focus\":%.2f}}}\n", p, i, (i % 100) / 100 } }'
}
start

claim "answers come in the order of the lines"
requests order 700 >order.ndjson
b order.ndjson; status_is 0; err_has "700 lines, 0 failed"; cp "$work/out" order.out; lines order.out 700
sed 's/.*"project":"\([^"]*\)".*/\1/' order.out | cmp -s - <(seq 700 | sed 's/^/order-/') || fail "order"
once_each order 700
b - <order.ndjson; status_is 0; same_bare order.out "$work/out"

claim "a summary is what the decision says"
id=$(sed -n '5s/.*"decisionId":"\([^"]*\)".*/\1/p' order.out)
l decisions show "$id" --output json; status_is 0; out_has '"id": "order-5"'; out_has "\"score\": $(sed -n '5s/.*"score":\([0-9.]*\).*/\1/p' order.out),"
head -3 order.ndjson >three; b three --full; status_is 0; out_has '"ranking":['; out_has '"explanation":['; [ "$(wc -l <"$work/out")" = 3 ] || fail "lines"

claim "a bad line has its error at its place, and stops nothing"
{
	sed -n 1p order.ndjson; echo '{"team": '; echo; echo '{"teem": {}}'; sed -n 2p order.ndjson | tr -d '\n' | sed 's/BACKEND/COOK/'; echo
	printf '{"a\0b": 1}\n'; sed -n 3p order.ndjson; echo '{"project":{"id":"p"}}'; echo '[1]'; printf '\xff\xfe\n'; sed -n 4p order.ndjson | tr -d '\n'
} >bad.ndjson
b bad.ndjson; status_is 2; err_has "11 lines, 8 failed"
cp "$work/out" bad.out; lines bad.out 11
for n in 2 3 4 5 6 8 9 10; do sed -n "${n}p" bad.out | grep -q "^{\"line\":$n,\"error\":{\"code\":\"INVALID_ARGUMENT\",\"message\":\"" || fail "line $n"; done
for n in 1 7 11; do sed -n "${n}p" bad.out | grep -q '^{"decisionId":' || fail "line $n"; done
out_has '"line":3,"error":{"code":"INVALID_ARGUMENT","message":"the line is empty"}'
out_has '"line":2,"error":{"code":"INVALID_ARGUMENT","message":"not JSON: column '
out_has '"violations":[{"field":"teem","description":"'
out_has '"field":"team.members[0].discipline"'
out_has '"field":"team","description":"is required"'

claim "both spellings of names, CRLF, a byte order mark and a missing last line end are all right"
sed 's/$/\r/' order.ndjson >crlf; printf '\xef\xbb\xbf' | cat - crlf | head -c -2 >odd
b odd --as-of 2026-08-01; status_is 0; cp "$work/out" odd.out
b order.ndjson --as-of 2026-08-01; same_bare odd.out "$work/out"
sed 's/}$/,"ignore_undeclared":true,"asOf":"2026-08-01T00:00:00Z","idempotencyKey":"mine-1"}/' order.ndjson | head -1 >own; b own; status_is 0; cp "$work/out" own.out
b own; same own.out "$work/out"

claim "an empty input is an empty output"
: >nothing; b nothing; status_is 0; out_empty; err_has "0 lines"
b nothing --output csv --columns project; status_is 0; [ "$(tr -d '\r' <"$work/out")" = project,error ] || fail "heading"
b nothing --out nothing.out; status_is 0; [ -e nothing.out ] && [ ! -s nothing.out ] || fail "not empty"; absent nothing.out.run

claim "a line of 5 MB is refused, and those beside it are answered"
{ head -1 order.ndjson; head -c 5242880 /dev/zero | tr '\0' x; echo; sed -n 2p order.ndjson; } >long
b long; status_is 2; [ "$(wc -l <"$work/out")" = 3 ] || fail "lines"; out_has '{"line":2,"error":{"code":"INVALID_ARGUMENT","message":"the line has 5242880 bytes, more than 4194304"}}'
{ head -1 order.ndjson | head -c -2; head -c 4000000 /dev/zero | tr '\0' ' '; echo '}'; sed -n 2p order.ndjson; } >wide
b wide; status_is 0; [ "$(wc -l <"$work/out")" = 2 ] || fail "lines"

claim "lines of different rubrics, instants and purposes go side by side, each by its own"
awk 'NR % 3 == 1 { sub(/}$/, ",\"asOf\":\"2026-0" NR % 9 + 1 "-01T00:00:00Z\"}") } NR % 3 == 2 { sub(/}$/, ",\"purpose\":\"WHAT_IF\"}") }
	NR % 10 == 0 { sub(/}$/, ",\"rubric\":\"no-such\"}") } { print }' order.ndjson | head -60 >mixed
b mixed; status_is 2; err_has "60 lines, 6 failed"; cp "$work/out" mixed.out
sed 's/.*"project":"\([^"]*\)".*/\1/' mixed.out | grep order | cmp -s - <(seq 60 | awk 'NR % 10' | sed 's/^/order-/') || fail "order"
[ "$(sed -n 10p mixed.out | grep -c '"code":"NOT_FOUND"')" = 1 ] || fail "line 10"
b mixed --output csv --columns project,as_of,purpose; status_is 2
out_has "order-1,2026-02-01T00:00:00Z,DECISION,"; out_has ",WHAT_IF,"; out_has ',,,"NOT_FOUND: ' || out_has ',,,NOT_FOUND: '

awk '{ sub(/}$/, sprintf(",\"asOf\":\"2026-03-%02dT00:00:00Z\"}", 1 + NR % 30)); if (NR % 7 == 0) sub(/}$/, ",\"purpose\":\"WHAT_IF\"}"); print }' order.ndjson >kinds
b kinds --output csv --columns project,as_of,purpose; status_is 0; err_has "700 lines, 0 failed"
tail -n +2 "$work/out" | tr -d '\r' | cmp -s - <(awk 'BEGIN { for (i = 1; i <= 700; i++) printf "order-%d,2026-03-%02dT00:00:00Z,%s,\n", i, 1 + i % 30, i % 7 ? "DECISION" : "WHAT_IF" }') || fail "kinds"

claim "a team that came before is read as if it had not"
sed 's/"id":"b"/"id":"\\u0062"/; s/"traits"/"tra\\u0069ts"/' order.ndjson >escaped; b escaped --as-of 2026-08-01; status_is 0; cp "$work/out" escaped.out
awk 'NR % 50 == 0 { sub(/"b"/, "\"c\"") } NR % 50 == 1 { sub(/"BACKEND"/, "\"COOK\"") } { print }' order.ndjson >varied
b varied --as-of 2026-08-01; status_is 2; err_has "700 lines, 14 failed"; cp "$work/out" varied.out
b order.ndjson --as-of 2026-08-01; same_bare escaped.out "$work/out"
sed -n 2,49p varied.out >some; sed -n 2,49p "$work/out" >others; same_bare some others

claim "CSV has the columns that were chosen; those that a summary lacks bring the whole decision"
b three --output csv; status_is 0; [ "$(head -1 "$work/out" | tr -d '\r')" = line,decision_id,decided_at,team,project,rubric,rubric_digest,outcome,recommended,score,margin,error ] || fail "heading"
b three --output csv --columns project,recommended,line; cp "$work/out" small.csv
b three --output csv --columns project,recommended,line,explanation,candidates; status_is 0; cut -d, -f1-3 "$work/out" | cmp -s - <(cut -d, -f1-3 small.csv) || fail "cells"
out_has ",2,"
b bad.ndjson --output csv --out bad.csv; status_is 2; lines bad.csv 12; file_has bad.csv "3,,,,,,,,,,,INVALID_ARGUMENT: the line is empty"

claim "--cross is every pair, teams outer, as if written out"
awk 'BEGIN { for (i = 1; i <= 5; i++) printf "{\"id\":\"t%d\",\"members\":[{\"id\":\"a%d\",\"discipline\":\"BACKEND\"},{\"id\":\"b\",\"discipline\":\"DESIGN\"}]}\n", i, i }' >teams.ndjson
awk 'BEGIN { for (i = 1; i <= 300; i++) printf "{\"id\":\"cross-%d\",\"traits\":{\"interaction_focus\":%.2f}}\n", i, (i % 100) / 100 }' >projects.ndjson
while IFS= read -r team; do sed "s/.*/{\"team\":$team,\"project\":&}/" projects.ndjson; done <teams.ndjson >product
b --cross teams.ndjson projects.ndjson --as-of 2026-08-01; status_is 0; err_has "1500 lines"; cp "$work/out" cross.out
b product --as-of 2026-08-01; status_is 0; same_bare cross.out "$work/out"
b --cross - projects.ndjson --as-of 2026-08-01 <teams.ndjson; same_bare cross.out "$work/out"
b --cross projects.ndjson teams.ndjson; status_is 2; err_has "1500 lines, 1500 failed"; out_has '"field":"team.traits"'
b --cross "$source_folder/service/examples/team.yaml" "$source_folder/service/examples/project.yaml" --as-of 2026-08-01; status_is 0; out_has '"recommended":"m-1042"'; err_has "1 line,"
b --cross "$source_folder/service/examples/team.csv" "$source_folder/service/examples/project.yaml"; status_is 0
{ head -1 teams.ndjson; echo '{"id": 7'; sed -n 2p teams.ndjson; } >some; head -2 projects.ndjson >few
b --cross some few; status_is 2; err_has "6 lines, 2 failed"; sed -n 3,4p "$work/out" | grep -c '"message":"team: ' | grep -qx 2 || fail "lines 3 and 4"
b --cross teams.ndjson nothing; status_is 0; out_empty

claim "the shards together are the whole"
for i in 1 2 3; do "$leadfit" batch order.ndjson --as-of 2026-08-01 --shard $i/3 2>/dev/null >shard.$i || fail "shard $i"; done
paste -d '\n' shard.1 shard.2 shard.3 | grep . >shards; b order.ndjson --as-of 2026-08-01; same_bare shards "$work/out"
b bad.ndjson --shard 2/3; out_has '{"line":8,'; out_lacks '{"line":3,'
for i in 1 2; do "$leadfit" batch --cross teams.ndjson projects.ndjson --as-of 2026-08-01 --shard $i/2 2>/dev/null >shard.$i; done
paste -d '\n' shard.1 shard.2 >shards; same_bare shards cross.out

claim "killed at any moment, a run goes on; nothing is decided twice, and the end is that of a run that was not"
requests kill 4000 >kill.ndjson; : >kill.err
echo '{"team": 7}' >>kill.ndjson
for attempt in $(seq 60); do
	"$leadfit" batch kill.ndjson --out kill.out --run-id night-1 --as-of 2026-08-01 2>>kill.err & pid=$!
	sleep "$(awk -v ms=$((RANDOM % 80 + attempt * attempt)) 'BEGIN { print ms / 1000 }')"
	kill -KILL $pid 2>/dev/null; status=0; wait $pid 2>/dev/null || status=$?
	[ "$status" = 137 ] || break
	printf '{"deci' >>kill.out
	[ -e kill.out.run ] || rm -f kill.out
done
echo "  $attempt attempts"
: >"$work/out"; cp kill.err "$work/err"; status_is 2; lines kill.out 4001; absent kill.out.run; err_has "4001 lines, 1 failed"
once_each kill 4000
b kill.ndjson --run-id night-1 --as-of 2026-08-01; status_is 2; same kill.out "$work/out"
once_each kill 4000

claim "an interrupted CSV goes on, too, and its failures are not forgotten"
sed -n 1,600p order.ndjson >csv.in; cat bad.ndjson >>csv.in; echo >>csv.in; sed -n 1,600p order.ndjson >>csv.in
b csv.in --output csv --as-of 2026-08-01 --out csv.whole; status_is 2; lines csv.whole 1212
p() { cat "$1" | "$leadfit" batch - --output csv "${@:2}" --out csv.out >"$work/out" 2>"$work/err"; status=$?; }
cut_columns() { cut -d, -f1,4-8 "$1"; }
mkfifo hold; (cat csv.in; sleep 60) >hold & holder=$!; started+=($holder)
"$leadfit" batch - --output csv --as-of 2026-08-01 --run-id csv --out csv.out <hold 2>csv.err & pid=$!
until_lines csv.out 900
p nothing --run-id csv; status_is 2; err_has "another batch writes csv.out"
kill -KILL $pid; wait $pid 2>/dev/null; kill $holder; wait $holder 2>/dev/null
head -c $(($(head -800 csv.out | wc -c) + 11)) csv.out >cut; cat cut >csv.out
p csv.in; status_is 2; err_has "--run-id csv"
p csv.in --run-id other; status_is 2; err_has "unfinished run csv"
p csv.in --columns line --run-id csv; status_is 2; err_has "other options"
p csv.in --run-id csv --as-of 2026-08-02; status_is 2; err_has "--as-of"
l batch csv.in --output csv --run-id csv --out csv.out; status_is 2; err_has "another input"
p nothing --run-id csv; status_is 2; err_has "fewer lines"
p csv.in --run-id csv; status_is 2; err_has "1211 lines, 8 failed"; err_has "going on behind line 799"
cut_columns csv.out | cmp -s - <(cut_columns csv.whole) || fail "csv.out and csv.whole differ"
absent csv.out.run

claim "a finished run is replaced by the next one, which is another"
b three --out again; status_is 0; cp again first; b three --out again; status_is 0; lines again 3; cmp -s first again && fail "the same decisions"
b three --as-of 2026-08-01; b three --out three; status_is 2; err_has "is the input, too"; lines three 3

claim "an unfinished run of a file that has changed is refused"
echo x >changed.out; requests changed 50 >changed.ndjson
printf 'leadfit batch 2\nrun r\nas-of 0 0\ninput "changed.ndjson" 1 bytes of 1.0\noptions x\n' >changed.out.run
b changed.ndjson --out changed.out; status_is 2; err_has "another input"; file_has changed.out x
echo "leadfit batch 1" >changed.out.run; b changed.ndjson --out changed.out; status_is 2; err_has "of an older leadfit"
echo rubbish >changed.out.run; b changed.ndjson --out changed.out; status_is 2; err_has "is not of a batch"
rm changed.out.run; b changed.ndjson --out changed.out; status_is 0; lines changed.out 50

claim "a pair of files goes on in the middle of a team"
b --cross teams.ndjson projects.ndjson --as-of 2026-08-01 --shard 2/2 --out pairs; status_is 0; lines pairs 750
(failures=0; trap '' XFSZ; ulimit -f 64; run "$leadfit" batch --cross teams.ndjson projects.ndjson --as-of 2026-08-01 --shard 2/2 --out part; status_is 3; err_has "part: File too large"; err_has "keeps what is done"; exit $failures) || failures=$((failures + 1))
[ -s part.run ] || fail "no part.run"
b --cross teams.ndjson projects.ndjson --as-of 2026-08-01 --shard 2/2 --out part; status_is 0; err_has "going on behind line"; same_bare pairs part; absent part.run
b --cross teams.ndjson projects.ndjson >/dev/full; status=0; "$leadfit" batch three >/dev/full 2>"$work/err" || status=$?; status_is 3; err_has "standard output: No space"

claim "a service that is killed and started again in the middle makes it wait, and nothing else"
requests away 3000 >away.ndjson; rm hold; mkfifo hold
"$leadfit" batch - --out away.out --run-id away --wait 100 <hold 2>away.err & pid=$!; started+=($pid)
exec 7>hold; head -700 away.ndjson >&7; until_lines away.out 700
kill -KILL "$server"; wait "$server" 2>/dev/null
(sed -n '701,$p' away.ndjson >&7) & feeder=$!; exec 7>&-
wait_for away.err "waiting for it"
start; wait $feeder; status=0; wait $pid || status=$?; cp away.err "$work/err"; status_is 0; err_has "3000 lines, 0 failed"
[ "$(grep -c 'waiting for it' away.err)" = 1 ] || fail "said more than once"
lines away.out 3000; once_each away 3000
kill -KILL "$server"; wait "$server" 2>/dev/null
b order.ndjson --wait 1; status_is 3; err_has "waiting for it, up to 1 s"; out_empty
start

claim "it is a filter: lines come when there are any, and it ends when nobody reads"
rm hold; mkfifo hold; "$leadfit" batch - <hold >filter.out 2>filter.err & pid=$!; started+=($pid)
exec 7>hold; head -1 order.ndjson >&7; until_lines filter.out 1; sed -n 2,3p order.ndjson >&7; until_lines filter.out 3; exec 7>&-; wait $pid || fail "status"
"$leadfit" batch order.ndjson 2>"$work/err" | head -1 >"$work/out"; status=${PIPESTATUS[0]}; status_is 0; err_empty
rm hold; mkfifo hold; (timeout 60 "$leadfit" batch - <hold 2>filter.err; echo $? >filter.status) | head -1 >filter.out & pid=$!
exec 7>hold; head -1 order.ndjson >&7; wait $pid; exec 7>&-; [ "$(cat filter.status)" = 0 ] && [ ! -s filter.err ] || fail "an idle filter did not end"

claim "what a busy service turns away is sent again in smaller messages; what it refuses ends the run, which can go on"
mkdir answers; head -3 order.ndjson >three.in
fake() { rm -f answers/*; "$fake" "ipc://$work/fake" "$work/answers" >fake.log 2>&1 & faker=$!; started+=("$faker"); wait_for fake.log listening; }
unfake() { kill -KILL "$faker"; wait "$faker" 2>/dev/null; rm -f fake; }
f() { run "$leadfit" --server "ipc://$work/fake" batch "$@"; }
fake
echo '{"results":[{"summary":{"decisionId":"1"}},{"error":{"code":8,"message":"busy"}},{"error":{"code":14,"message":"away"}}]}' >answers/ScoreBatch.reply.1
echo '{"results":[{"summary":{"decisionId":"2"}},{"summary":{"decisionId":"3"}}]}' >answers/ScoreBatch.reply.2
f three.in; status_is 0; out_is '{"decisionId":"1"}
{"decisionId":"2"}
{"decisionId":"3"}'
file_has answers/ScoreBatch.request order-3; file_lacks answers/ScoreBatch.request order-1
unfake; fake
echo '{"code":8,"message":"too many"}' >answers/ScoreBatch.error; f three.in --wait 1; status_is 3; out_empty; err_has "too many"
echo '{"code":16,"message":"who are you"}' >answers/ScoreBatch.error; f three.in --out refused; status_is 4; err_has "who are you"; err_has "the same command goes on"; [ -e refused.run ] || fail "no refused.run"
echo '{"code":3,"message":"no","violations":[{"field":"teams[0].id","description":"is odd"}]}' >answers/ScoreBatch.error
f three.in --out refused; status_is 2; lines refused 3; file_has refused '"field":"team.id"'; absent refused.run
rm answers/ScoreBatch.error; echo '{"results":[]}' >answers/ScoreBatch.reply; f three.in; status_is 3; err_has "0 answers to 3 requests"
unfake

claim "wrong usage is refused before anything is done"
for options in "" "a b" "--cross a" "--cross a b c" "three --output table" "three --columns line" "three --output csv --columns lime" "three --output csv --full" \
	"three --shard 0/3" "three --shard 4/3" "three --shard 3" "three --shard x/y" "three --run-id a" "three --run-id a/b --out x" "three --detail all" "three --rank-table" \
	"three --as-of soon" "three --wait soon" "three --rubric=" "no-such" "." "three --out ." "three --out /dev/null" "--cross three /dev/null"; do
	b $options; status_is 2; out_empty
done
b three --output table; err_has "--output: table is not json or csv"
l version --output csv; status_is 2; err_has "--output: csv is not table or json"
absent x
finish
