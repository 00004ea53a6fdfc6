#!/bin/bash
# The whole log verified by the CLI against the real service: sound, tampered with, set back and swapped.
# Usage: verify_test.sh LEADFIT LEADFITD SOURCE_FOLDER
set -u
leadfit=$1
leadfitd=$2
source_folder=$3
. "$(dirname "$0")/assert.sh"

unset LEADFIT_TOKEN COLUMNS NO_COLOR
export LC_ALL=C.UTF-8 LEADFIT_SERVER=ipc://$work/socket
team=$source_folder/service/examples/team.yaml
project=$source_folder/service/examples/project.yaml

# start FILE: the service on this log, with one key for all of them, and checkpoints that nobody keeps.
start() {
	rm -rf "$work/checkpoints"
	: >"$work/daemon.log"
	"$leadfitd" --db "$1" --key "$work/key" --checkpoints "$work/checkpoints/" --origin example.com/leadfit --listen "$LEADFIT_SERVER" \
		--rubric "$source_folder/service/rubrics/tech-lead.yaml" 2>"$work/daemon.log" &
	started=($!)
	wait_for "$work/daemon.log" ready
}
stop() {
	kill -TERM "${started[0]}"
	wait "${started[0]}" || fail "the service did not end well: $(cat "$work/daemon.log")"
	started=()
}
l() { run "$leadfit" "$@"; }
score() {
	local i
	for i in $(seq "$1"); do
		"$leadfit" score --team "$team" --project "$project" --output json >"$work/decision.json" || fail "no decision"
	done
}
# keep FILE: the checkpoint of now.
keep() { "$leadfit" call Audit/Checkpoint | python3 -c 'import json, sys; sys.stdout.write(json.load(sys.stdin)["checkpoint"])' >"$1"; }
: >"$work/out"; : >"$work/err"
mkdir "$work/checkpoints"

claim "a sound log is whole, and goes on from every checkpoint that was kept"
start "$work/log.db"
keep "$work/first"
score 3
keep "$work/second"
cp "$work/log.db" "$work/old.db"
[ ! -e "$work/log.db-wal" ] || cp "$work/log.db-wal" "$work/old.db-wal"
score 4
l decisions verify --key "$work/key.pub" --checkpoint "$work/first" --checkpoint "$work/second"; status_is 0; err_empty
out_has "The log is whole: all "; out_has "that $work/first signs"; out_has "that $work/second signs"
tail -n 5 "$work/out" >"$work/third"
l decisions verify --key "$work/key.pub" --checkpoint "$work/third"; status_is 0
l decisions verify --output json; status_is 0; out_lacks findings
id=$(sed -n 's/^  "decisionId": "\(.*\)",$/\1/p' "$work/decision.json")
stop

claim "a decision that was changed on disk is found, and named"
cp "$work/log.db" "$work/tampered.db"
sqlite3 "$work/tampered.db" "UPDATE decision SET outcome = 2 WHERE sequence = (SELECT max(sequence) FROM decision)" || fail "no sqlite3"
start "$work/tampered.db"
l decisions verify --key "$work/key.pub" --checkpoint "$work/third"; status_is 1; err_empty
out_has "FINDING record "; out_has "$id"; out_has "The log is not as it was written: "
l decisions verify --output json; status_is 1; out_has "\"decisionId\": \"$id\""
stop

claim "a log that was set back is sound in itself, and found by a kept checkpoint"
start "$work/old.db"
l decisions verify --key "$work/key.pub" --checkpoint "$work/second"; status_is 0
l decisions verify --key "$work/key.pub" --checkpoint "$work/third"; status_is 1; out_has "it was cut or set back"
score 5
l decisions verify; status_is 0
l decisions verify --key "$work/key.pub" --checkpoint "$work/third" --checkpoint "$work/second"; status_is 1
out_has "FINDING $work/third: the log does not begin with the "; out_has "that $work/second signs"
stop

claim "a log that was put in the place of another is found"
start "$work/swapped.db"
score 8
l decisions verify --key "$work/key.pub"; status_is 0
l decisions verify --key "$work/key.pub" --checkpoint "$work/third"; status_is 1; out_has "or this is another log"
stop
rm "$work/key" "$work/key.pub"
start "$work/swapped.db"
l decisions verify --checkpoint "$work/third"; status_is 1; out_has "has no signature by this key"
stop

finish
