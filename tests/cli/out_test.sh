#!/bin/bash
# decisions export, decisions watch and backup, against the real service.
# Usage: out_test.sh LEADFIT LEADFITD SOURCE_FOLDER. LF_TEST_SEED sets the moments of the kills.
set -u
leadfit=$1
leadfitd=$2
source_folder=$3
. "$(dirname "$0")/assert.sh"

unset LEADFIT_TOKEN LEADFIT_PUBLISH COLUMNS NO_COLOR
export LC_ALL=C.UTF-8
RANDOM=${LF_TEST_SEED:=$RANDOM}
echo "LF_TEST_SEED=$LF_TEST_SEED"
export LEADFIT_SERVER=ipc://$work/socket
cd "$work" || exit 1

mkdir "$work/backups"
# start LOG: the service on this log.
start() {
	: >daemon.log
	"$leadfitd" --db "$work/$1" --listen "$LEADFIT_SERVER" --backups "$work/backups" --rubric "$source_folder/service/rubrics/tech-lead.yaml" 2>daemon.log &
	started=($!)
	wait_for daemon.log ready
}
stop() {
	kill -TERM "${started[0]}"
	wait "${started[0]}" || fail "the service did not end well: $(cat daemon.log)"
	started=()
}
l() { run "$leadfit" "$@"; }
same() { cmp -s "$1" "$2" || fail "$1 and $2 differ"; }
absent() { [ ! -e "$1" ] || fail "$1 is there"; }

# fill TEAM TIMES: 250 decisions of a team, so many times.
fill() {
	{
		printf '{"teams": [{"id": "%s", "members": [{"id": "a", "discipline": "BACKEND"}, {"id": "b", "discipline": "FRONTEND"}, {"id": "c", "discipline": "DESIGN"}]}],' "$1"
		printf '"projects": [{"id": "p"}], "items": [{}'
		for _ in $(seq 249); do printf ', {}'; done
		printf ']}'
	} >batch.json
	for _ in $(seq "$2"); do
		"$leadfit" call Scoring/ScoreBatch @batch.json >/dev/null || fail "filling"
	done
}

start log.db

claim "an empty log is an empty file, or only headings"
l decisions export empty; status_is 0; out_empty; err_has "0 decisions"
[ -e empty ] && [ ! -s empty ] || fail "not empty"
l decisions export --format csv --excel --columns team,score; status_is 0; [ "$(head -c 9 "$work/out")" = $'\xef\xbb\xbfteam,s' ] || fail "no byte order mark"
l decisions export --excel; status_is 2; err_has "--excel goes with --format csv only"
l decisions export --format csv --columns team,score; status_is 0; [ "$(od -c "$work/out" | head -1 | tr -s ' ')" = "0000000 t e a m , s c o r e \r \n" ] || fail "headings"

fill payments 8

claim "every decision is a line, and a line is the decision"
l decisions export all; status_is 0; out_empty; err_has "2000 decisions"; err_has "in all"
[ "$(wc -l <all)" = 2000 ] || fail "lines"
[ "$(stat -c %a all)" = 600 ] || fail "mode"
for n in 1 777 2000; do
	sed -n "${n}p" all >line
	id=$(sed 's/^{"decisionId":"\([^"]*\)".*/\1/' line)
	"$leadfit" decisions show "$id" --output json | tr -d ' \n' >shown
	tr -d ' \n' <line | cmp -s - shown || fail "line $n"
done
l decisions export; status_is 0; same out all
l decisions export -; status_is 0; same out all
mkfifo pipe; cat pipe >through & l decisions export pipe; status_is 0; wait $!; same through all; rm pipe
l decisions export --team nobody; status_is 0; out_empty; err_has "0 decisions"

claim "the file is replaced at the end, keeps its mode, and nothing is left beside it"
echo old >target; chmod 640 target; ln -s target link
l decisions export link; status_is 0; same target all; [ -L link ] || fail "the link is gone"
[ "$(stat -c %a target)" = 640 ] || fail "mode"
absent target.part; absent target.run; absent link.part

# kill_and_resume NAME WITHIN OPTION...: killed again and again within so many ms, and gone on with, until it is done.
kill_and_resume() {
	local name=$1 within=$2 pid kills=0
	shift 2
	rm -f "$name" "$name".part "$name".run
	while :; do
		"$leadfit" decisions export "$name" --resume "$@" 2>>resume.log &
		pid=$!
		sleep "0.$(printf %03d $((RANDOM % within)))"
		kill -KILL $pid 2>/dev/null
		if wait $pid 2>/dev/null; then break; fi
		kills=$((kills + 1))
		[ -e "$name" ] && [ ! -e "$name.run" ] && break # killed after all was done
		within=$((within + 20))
	done
	echo "  $kills kills"
	total_kills=$((${total_kills:-0} + kills))
}

claim "an export that is killed at any moment and gone on with has the bytes of one that was not"
: >resume.log
l decisions export --format csv; cp out all.csv
# Three times, and more often where the machine is so fast, or so slow to kill, that most exports end first.
for round in $(seq 40); do
	kill_and_resume killed $((round > 3 ? 30 : 250)); same killed all
	kill_and_resume killed.csv $((round > 3 ? 20 : 100)) --format csv; same killed.csv all.csv
	[ "$round" -ge 3 ] && [ "$total_kills" -gt 3 ] && break
done
absent killed.part; absent killed.run; absent killed.run.new
[ "$total_kills" -gt 3 ] || fail "hardly any kills"
grep "of them now" resume.log | grep -qv " 2000 of them now" || fail "none went on from the middle"

claim "what stands behind the last mark does not count, and a mark at any place is one to go on from"
half=$(head -n 1000 all | wc -c)
last=$(sed -n 1000p all | sed 's/^{"decisionId":"\([^"]*\)".*/\1/')
mark() { printf 'leadfit export 1\n%s\nend 2000 bytes %s next %s count %s last %s %s\n' "$@"; }
{ head -n 1000 all; echo '{"half a li'; } >half.part
mark "ndjson  {}" "$half" 1001 1000 1000 "$last" >half.run
l decisions export half --resume; status_is 0; err_has "1000 of them now"; same half all; absent half.run
newest=$(tail -n 1 all | sed 's/^{"decisionId":"\([^"]*\)".*/\1/')
cp all whole.part; mark "ndjson  {}" "$(wc -c <all)" 0 2000 2000 "$newest" >whole.run
l decisions export whole --resume; status_is 0; same whole all; absent whole.part; absent whole.run
cp all named; mark "ndjson  {}" "$(wc -c <all)" 0 2000 2000 "$newest" >named.run # renamed, and killed before the end
l decisions export named --resume; status_is 0; same named all; absent named.part; absent named.run
head -c 10 all >short.part; mark "ndjson  {}" "$half" 1001 1000 1000 "$last" >short.run
l decisions export short --resume; status_is 0; err_has "beginning again"; same short all

claim "an export goes on with its own options, log and file only"
{ head -n 1000 all; } >other.part
mark "ndjson  {}" "$half" 1001 1000 1000 "$last" >other.run
l decisions export other --resume --team payments; status_is 2; err_has "other options"
l decisions export other --resume --format csv; status_is 2; err_has "other options"
mark "ndjson  {}" "$half" 1001 1000 1000 00000000-0000-7000-8000-000000000000 >other.run
l decisions export other --resume; status_is 4; err_has "another log"
echo rubbish >other.run; l decisions export other --resume; status_is 2; err_has "is not of an export"
[ "$(wc -l <other.part)" = 1000 ] || fail "what had come is gone"
l decisions export other; status_is 0; same other all; absent other.run; absent other.part
( flock 9; run "$leadfit" decisions export busy; status_is 2; err_has "another export writes it" ) 9>busy.part
l decisions export - --resume; status_is 2; err_has "needs a FILE"
l decisions export /; status_is 2; err_has directory
l decisions export no/such/folder; status_is 3; err_lacks "running there"

claim "a file of another user, or with another name, is refused and left as it is"
# foreign NAME: such a file, to be refused. Another user's only where this test may give files away.
refused_as() { l decisions export --resume "$1"; status_is 2; out_empty; err_has "$1$2: $3"; absent "$1"; }
left_as_it_was() { [ "$(cat "$1")" = theirs ] || fail "$1 was written: $(head -c 100 "$1")"; }
for suffix in .part .run; do
	echo theirs >theirs
	ln theirs "linked$suffix"; refused_as linked "$suffix" "has another name, too"; left_as_it_was theirs; rm "linked$suffix"
	ln -s theirs "symbolic$suffix"; l decisions export --resume symbolic; status_is 3; err_has "symbolic$suffix"; left_as_it_was theirs; rm "symbolic$suffix"
	mkfifo "pipe$suffix"; refused_as pipe "$suffix" "is not a file"; rm "pipe$suffix"
	if [ "$(id -u)" = 0 ]; then
		echo theirs >"foreign$suffix"; chmod 666 "foreign$suffix"; chown 65534 "foreign$suffix"
		refused_as foreign "$suffix" "belongs to another user (65534)"; left_as_it_was "foreign$suffix"
		[ "$(stat -c '%u %a' "foreign$suffix")" = "65534 666" ] || fail "owner or mode"
		rm "foreign$suffix"
	fi
done
ln theirs marked.run.new; l decisions export marked; status_is 3; err_has "marked.run"; left_as_it_was theirs; rm -f marked.part marked.run.new

claim "what an export of ours left there is private again, and a mark that was cut off makes way"
echo old >wide.part; chmod 666 wide.part; echo old >wide.run.new
l decisions export wide; status_is 0; same wide all; [ "$(stat -c %a wide)" = 600 ] || fail "mode $(stat -c %a wide)"; absent wide.run.new
echo old >mine; chmod 640 mine; l decisions export mine; status_is 0; [ "$(stat -c %a mine)" = 640 ] || fail "mode $(stat -c %a mine)"
if [ "$(id -u)" = 0 ]; then
	echo old >gift; chmod 666 gift; chown 65534 gift
	l decisions export gift; status_is 0; [ "$(stat -c '%u %a' gift)" = "0 600" ] || fail "$(stat -c '%u %a' gift)"
fi

claim "what came while it was interrupted is not part of it"
{ head -n 1000 all; } >grown.part
mark "ndjson  {}" "$half" 1001 1000 1000 "$last" >grown.run
fill later 1
l decisions export grown --resume; status_is 0; same grown all
l decisions export all2; [ "$(wc -l <all2)" = 2250 ] || fail "lines"
l decisions export --team later --format csv --columns team; [ "$(sort "$work/out" | uniq -c | tr -s ' \r' ' ' | tr '\n' ';')" = " 250 later ; 1 team ;" ] || fail "selection"

claim "a reader who goes ends it quietly, a full disk with status 3"
"$leadfit" decisions export 2>err | head -n 1 >first; [ "${PIPESTATUS[0]}" = 0 ] || fail "status"
cmp -s first <(head -n 1 all) || fail "first line"; err_empty
status=0; "$leadfit" decisions export >/dev/full 2>err || status=$?; status_is 3; err_has "No space left"
status=0; timeout 60 "$leadfit" decisions watch --from 1 >/dev/full 2>err || status=$?; status_is 3; err_has "No space left"
l decisions export /dev/full; status_is 3; err_has "No space left"
mkdir small
if unshare -m true 2>/dev/null; then
	unshare -m bash -c 'mount --make-rprivate / && mount -t tmpfs -o size=1m lf small && {
		"$0" decisions export small/x 2>full.err; echo $? >full.status; ls small >full.names
		mount -t tmpfs -o remount,size=60m lf small; "$0" decisions export small/x --resume 2>>full.err; echo $? >>full.status; ls small >>full.names
		cp small/x full.result; }' "$leadfit"
	[ "$(tr '\n' ' ' <full.status)" = "3 0 " ] || fail "statuses: $(cat full.status full.err)"
	[ "$(tr '\n' ' ' <full.names)" = "x.part x.run x " ] || [ "$(tr '\n' ' ' <full.names)" = "x.part x.run x.run.new x " ] || fail "names: $(cat full.names)"
	file_has full.err "No space left"; file_has full.err "--resume goes on"
	same full.result all2
else
	echo "  no small file system can be mounted here"
fi
kill -STOP "${started[0]}"; l --timeout 0.3 decisions export gone; status_is 3; absent gone; absent gone.part; kill -CONT "${started[0]}"

claim "cells are quoted, and none is a formula"
for team in '=1+1' '+a' '-a' '@a' "'a" 'a,b' 'a"b' '＝a' 'plain a'; do
	cat >one.json <<-END
		{"team": {"id": $(printf '%s' "$team" | sed 's/"/\\"/; s/.*/"&"/'), "members": [{"id": "-m", "discipline": "BACKEND"}]}, "project": {"id": "quoting"}}
	END
	l call Scoring/Score @one.json; status_is 0
done
l decisions export --project quoting --format csv --columns team,candidates; status_is 0
tr -d '\r' <out >cells
printf '%s\n' team,candidates "'=1+1,1" "'+a,1" "'-a,1" "'@a,1" "''a,1" '"a,b",1' '"a""b",1' "'＝a,1" 'plain a,1' | cmp -s - cells || fail "cells: $(cat cells)"

claim "bad options are said"
l decisions export --columns team; status_is 2; err_has "--format csv only"
l decisions export --format csv --columns team,teem; status_is 2; err_has "did you mean team?"
l decisions export --format csv --columns team,team; status_is 2; err_has "named twice"
l decisions export --format xml; status_is 2; err_has "ndjson or csv"
l decisions export --team "$(printf 'x%.0s' {1..200})" bad; status_is 2; err_has "--team"; absent bad.part
l decisions watch --from 0; status_is 2; l decisions watch --from x; status_is 2; err_has "--from"
l decisions watch --publish nonsense; status_is 2; err_has "--publish"
l decisions watch --from 99999; status_is 4; err_has "another log"
l decisions watch --server "ipc://$work/nobody"; status_is 3; err_has "is leadfitd running there?"
l retention --keep-months 5 --dry-run; status_is 2; err_has "5 is less than 6; --allow-under-six-months"

claim "whoever watches sees what was there from a sequence on, and what comes, until they go"
"$leadfit" decisions watch --from 2250 >watched 2>watch.err & watcher=$!
wait_for watched "plain a"
l call Scoring/Score '{"team": {"id": "newcomers", "members": [{"id": "m", "discipline": "BACKEND"}]}, "project": {"id": "watched"}}'
wait_for watched newcomers
kill -TERM $watcher; wait $watcher
[ "$(grep -c . watched)" = 12 ] || fail "lines: $(cat watched)" # heading, 2250..2260
head -n 1 watched | grep -q "^sequence" || fail "heading"; [ ! -s watch.err ] || fail "stderr"
timeout 20 "$leadfit" decisions watch --from 2260 --output json | { read -r line; echo "$line"; } >one
file_has one '{"sequence":"2260","decision":{"decisionId":"'; file_has one '"newcomers"'
timeout 20 "$leadfit" decisions watch --team newcomers --from 1 | head -n 2 | tail -n 1 >one; [ "${PIPESTATUS[0]}" = 0 ] || fail "it did not end with its reader"
file_has one watched

claim "a backup is a log, under a new name in the directory of --backups"
l backup copy.db; status_is 0; out_has "$work/backups/copy.db: "; out_has "a log of "; # 2,263 records, and those of who looked
 [ "$(stat -c %a backups/copy.db)" = 600 ] || fail mode
l backup copy.db; status_is 4; err_has "replaces nothing"; out_empty
l backup; status_is 2
l backup "$work/copy2.db"; status_is 2; err_has "backup: \"$work/copy2.db\" is not a plain name"
l backup ../copy2.db; status_is 2; err_has "is not a plain name"
l backup .copy2.db; status_is 2; err_has "begins with a dot"
l backup copy2.db-journal; status_is 2; err_has "goes with another one"
l backup copy2.db --output json; status_is 0; out_has "\"file\": \"$work/backups/copy2.db\""
absent backups/copy.db.part; absent backups/copy.db-wal
l decisions export before
stop
cp backups/copy.db restored.db
start restored.db
l decisions export after; same before after
stop

claim "the directory of --backups is there, and is neither the log's nor the checkpoints'"
refused() { run "$leadfitd" --db "$work/new.db" --listen "$LEADFIT_SERVER" "$@"; status_is 2; absent new.db; absent new.db.key; }
touch "$work/plain"; mkdir -p "$work/signed/below"
refused --backups "$work/none"; err_has "--backups $work/none: No such file"
refused --backups "$work/plain"; err_has "is not a directory"
refused --backups "$work"; err_has "that is the directory of the log"
refused --backups .; err_has "that is the directory of the log"
refused --checkpoints "$work/signed" --backups "$work/signed"; err_has "the checkpoints are written there"
refused --checkpoints "$work/signed" --backups "$work/signed/below"; err_has "the checkpoints are written there"
refused --checkpoints "$work/backups/one.checkpoint" --backups "$work/backups"; err_has "the checkpoints are written there"

claim "without --backups a backup is refused, and the option is named"
"$leadfitd" --db "$work/log.db" --listen "$LEADFIT_SERVER" 2>daemon.log & started=($!)
wait_for daemon.log ready
l backup copy3.db; status_is 4; err_has "--backups DIR"; out_empty
stop

finish
