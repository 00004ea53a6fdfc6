#!/bin/bash
# Restoring a backup brings nobody back who was erased since, and nothing that was pruned.
# Usage: restore_test.sh LEADFIT LEADFITD SOURCE_FOLDER
set -u
leadfit=$1
leadfitd=$2
source_folder=$3
. "$(dirname "$0")/assert.sh"

unset LEADFIT_TOKEN COLUMNS NO_COLOR
export LC_ALL=C.UTF-8
export LEADFIT_SERVER=ipc://$work/socket
mkdir "$work/data" "$work/backups"
cd "$work/data" || exit 1

start() { # options of leadfitd
	: >"$work/log"
	"$leadfitd" --db log.db --listen "$LEADFIT_SERVER" --backups "$work/backups" "$@" 2>"$work/log" &
	service=$!
	started+=("$service")
	wait_for "$work/log" '"event":"ready"'
}
stop() {
	kill "$service"
	wait "$service"
}
# score TEAM MEMBER NOTE: a decision about a team of that member and another one, whose evidence has the note.
score() {
	cat >"$work/team.yaml" <<-END
		id: $1
		members:
		- {id: $2, discipline: BACKEND}
		- id: other
		  discipline: FRONTEND
		  evidence:
		  - {criterion: architecture, rating: 4, note: "$3"}
	END
	"$leadfit" score --team "$work/team.yaml" --project "$source_folder/service/examples/project.yaml" "${@:4}" >"$work/out" || exit 1
}
erase() { "$leadfit" decisions erase --candidate "$1" --reason asked --yes >"$work/out" 2>"$work/err" || fail "can't erase $1"; }
count_of() { cat log.db log.db-wal 2>/dev/null | grep -aoF -- "$1" | wc -l; }
copies_of() { cp -a "$work/data" "$work/$1"; }
back_to() { rm -rf "$work/data"; cp -a "$work/$1" "$work/data"; cd "$work/data" || exit 1; }

start
for i in 1 2 3; do score "t$i" zq-erased-1 "led it with zq-erased-1"; done
score t4 zq-kept "it was zq-text-only who led it"
score t5 zq-erased-2 nothing
"$leadfit" backup copy.db >"$work/out" || exit 1
score t6 zq-erased-2 nothing
for person in zq-erased-1 zq-erased-2 zq-text-only; do erase "$person"; done
stop

claim "the list beside the checkpoints has a line for each erasure, without an id"
[ "$(grep -cE '^erasure [0-9-]+T[0-9:.]+Z [0-9a-f]{32} [0-9a-f]{64}$' log.db.checkpoints/erased)" = 3 ] || fail "$(cat log.db.checkpoints/erased)"
file_lacks log.db.checkpoints/erased zq-
[ "$(count_of zq-erased)" = 0 ] || fail "an erased person is in the log"
copies_of erased

# restored: what holds after each restore that did it all again.
restored() {
	status_is 0
	[ "$(grep -c '^again        erasure of ' "$work/out")" = "$1" ] || fail "expected $1 erasures done again"
	out_has "findings     0"
	out_lacks zq-
	err_lacks zq-
	[ "$(count_of zq-erased)" = 0 ] || fail "an erased person is back"
	[ "$(count_of zq-kept)" -gt 0 ] || fail "somebody else is gone"
	[ -z "$(ls | grep -F .restoring)" ] || fail "left behind: $(ls)"
}

claim "from the log and the list, erasures are done again before the copy takes the log's place"
run "$leadfitd" restore --db log.db --from "$work/backups/copy.db"
restored 2
out_has "not again    erasure of"
out_has "the person is in no team of the backup"
[ "$(count_of zq-text-only)" -gt 0 ] || fail "the text was changed"

claim "the restored log is a log: verified, served, with its jobs, and no list grows twice"
run "$leadfitd" verify --db log.db --checkpoint log.db.checkpoints/nothing; status_is 2
start --accept-rewound
run "$leadfit" decisions list --candidate zq-erased-1; status_is 0; out_has "No decision matches"
run "$leadfit" decisions list; status_is 0
run "$leadfit" jobs list; status_is 0; out_has "leadfitd restore"
run "$leadfit" decisions verify; status_is 0
stop
[ "$(wc -l <log.db.checkpoints/erased)" = 3 ] || fail "the list: $(cat log.db.checkpoints/erased)"

claim "a second restore of the same backup does the same, from the list: also what the restored log does not know"
rm -f log.db.before-restore
run "$leadfitd" restore --db log.db --from "$work/backups/copy.db"
restored 2

claim "from the list alone, where the log is gone"
back_to erased
rm -f log.db
run "$leadfitd" restore --db log.db --from "$work/backups/copy.db"
restored 2

claim "from the list alone, where the log can't be read"
back_to erased
echo garbage >log.db
run "$leadfitd" restore --db log.db --from "$work/backups/copy.db"
restored 2

claim "from the log alone, where the list is gone; the next start makes it again"
back_to erased
rm log.db.checkpoints/erased
run "$leadfitd" restore --db log.db --from "$work/backups/copy.db"
restored 2
start --accept-rewound
stop
[ "$(grep -c '^erasure' log.db.checkpoints/erased)" = 2 ] || fail "the list: $(cat log.db.checkpoints/erased)"

claim "without both it is refused, and nothing is changed"
back_to erased
rm log.db.checkpoints/erased
echo garbage >log.db
run "$leadfitd" restore --db log.db --from "$work/backups/copy.db"
status_is 4
err_has "there is no list of erasures"; err_has "--forget-erasures"; err_has "not restored: nothing was changed"
[ "$(cat log.db)" = garbage ] || fail "the log was changed"
[ -z "$(ls | grep -e .restoring -e .before)" ] || fail "left behind: $(ls)"

claim "a list that is damaged is refused, with its line"
back_to erased
echo "erasure of somebody" >>log.db.checkpoints/erased
run "$leadfitd" restore --db log.db --from "$work/backups/copy.db"
status_is 3
err_has "line 4 is none of its lines"

claim "a new machine, with neither log nor list: restored, and said"
back_to erased
rm -rf log.db* ; run "$leadfitd" restore --db log.db --from "$work/backups/copy.db"
status_is 0
err_has "what was erased since the backup, erase again"

claim "--forget-erasures restores without"
back_to erased
run "$leadfitd" restore --db log.db --from "$work/backups/copy.db" --forget-erasures
status_is 0
out_has "--forget-erasures"
[ "$(count_of zq-erased)" -gt 0 ] || fail "it was done again nevertheless"

claim "a backup that knows of the erasures is restored as it is"
back_to erased
cp log.db "$work/backups/knows.db"
run "$leadfitd" restore --db log.db --from "$work/backups/knows.db"
status_is 0
out_lacks "again  "
cmp -s log.db "$work/backups/knows.db" || fail "the copy was changed"

claim "what was pruned is pruned again"
back_to erased
start --accept-rewound
"$leadfit" retention --keep-months 0 --allow-under-six-months --yes >"$work/out" || fail "can't prune"
stop
file_has log.db.checkpoints/erased "pruning "
[ "$(count_of zq-kept)" = 0 ] || fail "it was not pruned"
run "$leadfitd" restore --db log.db --from "$work/backups/copy.db"
status_is 0
out_has "again        pruning of "
[ "$(count_of zq-)" = 0 ] || fail "somebody who was pruned is back"

claim "a job that had not ended when the backup was made is ended"
back_to erased
start --accept-rewound
for attempt in 1 2 3 4 5; do # the job may have ended before the backup began
	person=zq-late-$attempt
	for i in $(seq 100); do score "u$i" "$person" "$person again"; done
	rm -f "$work/backups/copy.db" log.db.before-restore
	"$leadfit" decisions erase --candidate "$person" --reason asked --yes --no-wait >"$work/out" || fail "can't start it"
	"$leadfit" backup copy.db >"$work/out" || fail "can't back up"
	stop
	run "$leadfitd" restore --db log.db --from "$work/backups/copy.db"
	status_is 0
	[ "$(count_of zq-late)" = 0 ] || fail "the person is in the restored log"
	grep -qF "ended        job" "$work/out" && break
	start --accept-rewound
done
out_has "ended        job"

finish
