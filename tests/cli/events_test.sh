#!/bin/bash
# What the service says while it works, as a collector of logs gets it: each event where its cause is made, each line JSON.
# Usage: events_test.sh LEADFIT LEADFITD SOURCE_FOLDER
set -u
leadfit=$1
leadfitd=$2
source_folder=$3
. "$(dirname "$0")/assert.sh"

unset LEADFIT_TOKEN COLUMNS NO_COLOR JOURNAL_STREAM
export LC_ALL=C.UTF-8 LEADFIT_SERVER=ipc://$work/socket
team=$source_folder/service/examples/team.yaml
project=$source_folder/service/examples/project.yaml
all=$work/all.ndjson # what all services have said
: >"$all"

# Events that this test does not cause. Those with a name of a test are caused there, and may come here.
elsewhere="nng_stuck requests_given_up log_clock job_failed secrets_unlocked
log_damaged=service_out certificate_unusable=http_tls request_slow=service_requests request_broken=service_requests
access_failed=service_access access_resumed=service_access access_lost=service_access
forgotten=service_replicas rubric_unusable=service_replicas"

# start DB [OPTION]...: the service on this log.
start() {
	: >"$work/log"
	"$leadfitd" --db "$work/$1" --listen "$LEADFIT_SERVER" --log-level debug "${@:2}" 2>"$work/log" &
	started=($!)
	says info ready
}
# says LEVEL EVENT: waits for it.
says() { wait_for "$work/log" "\"level\":\"$1\",\"event\":\"$2\""; }
# ended STATUS: the service has ended with it, or does so now.
ended() {
	status=0; wait "${started[0]}" || status=$?
	started=()
	status_is "$1"
	cat "$work/log" >>"$all"
}
stop() { kill -TERM "${started[0]}"; ended 0; }
l() { run "$leadfit" "$@"; status_is 0; }
score() { l score --team "$team" --project "$project" --as-of 2026-08-01 --output json; }

claim "a start, what it listens on, and a stop"
mkdir "$work/backups"
start log.db --listen tcp://127.0.0.1:0 --publish "ipc://$work/news" --backups "$work/backups"
for event in starting rubric_stored publishing listening limits key_made verifier_key; do says info $event; done
says debug checkpoint_written
score

claim "backups and jobs, without whom they are about"
l backup one.db; says info backup_made
run "$leadfit" backup one.db; status_is 4; says warning backup_failed
l decisions erase --candidate m-1042 --reason "they asked for it" --yes; says info job_done
file_lacks "$work/log" m-1042; file_lacks "$work/log" "they asked"
stop; says info stopping

claim "requests that fail or are denied, and all where that is asked for; nothing of what they say"
printf 'reader %s read\n' "$(printf %s s3cret | sha256sum | cut -d' ' -f1)" >"$work/tokens"; chmod 600 "$work/tokens"
start log.db --tokens "$work/tokens" --log-requests
export LEADFIT_TOKEN=s3cret
l decisions list; says info request
run "$leadfit" decisions show 01932b8e-5c1f-7e2a-9d34-7f0a1b2c3d4e; status_is 2; says info request_failed
run "$leadfit" score --team "$team" --project "$project"; status_is 4; says warning request_denied
file_has "$work/log" '"method":"leadfit.v1.Scoring/Score","code":"PERMISSION_DENIED"'
file_has "$work/log" '"caller":"reader"'
LEADFIT_TOKEN=s3cre7 run "$leadfit" decisions list; status_is 4; says warning request_strange; file_has "$work/log" '"code":"UNAUTHENTICATED"'
unset LEADFIT_TOKEN
file_lacks "$work/log" s3cre; file_lacks "$work/log" m-1042; file_lacks "$work/log" payments
stop

claim "a rubric that is missing, and rubrics that are odd: too many lines of one event are counted"
start log.db; l rubric deactivate tech-lead; stop
for name in a b; do
	{ printf 'name: %s\nscale: {min: 1, max: 5}\ncriteria:\n' $name; for i in $(seq 64); do echo "- {id: c$i, title: Same, weight: {base: 1}}"; done; } >"$work/$name.yaml"
done
start log.db --rubric "$work/a.yaml" --rubric "$work/b.yaml"; says warning rubric_missing; says warning rubric_warning
says warning lines_left_out
lines=$(grep -c '"event":"rubric_warning"' "$work/log")
left_out=$(sed -n 's/.*"of":"rubric_warning","count":\([0-9]*\).*/\1/p' "$work/log")
[ $((lines + left_out)) = 202 ] || fail "$lines lines and $left_out left out are not the 202 that there were"
stop

claim "a log of an older release"
cp "$source_folder/tests/storage/old/schema-2.db" "$work/old.db"; chmod 600 "$work/old.db"
start old.db; says info log_migrating; says info rubric_default; stop

claim "a listener whose socket is gone comes back; one whose directory is gone does when that is there again"
mkdir "$work/away"
start log.db --listen "ipc://$work/away/socket"
rm "$work/away/socket"; says warning listener_reopened
rm -r "$work/away"; says error listener_lost
mkdir "$work/away"
for i in $(seq 600); do [ "$(grep -c '"event":"listener_reopened"' "$work/log")" -gt 1 ] && break; sleep 0.1; done
[ "$(grep -c '"event":"listener_reopened"' "$work/log")" -gt 1 ] || fail "it did not come back"
[ "$(grep -c '"event":"listener_lost"' "$work/log")" = 1 ] || fail "that it is lost is said more than once"
stop

claim "files beside the log that can't be written"
mkdir -p "$work/two.db.key.pub/in" "$work/lists/erased"
start two.db --checkpoints "$work/lists"; says warning key_unpublished; says error erased_list_failed
score
run timeout 5 "$leadfit" decisions erase --candidate m-1042 --reason r --yes; says warning job_waits
rmdir "$work/lists/erased"; says info job_done
stop
start two.db --checkpoints "$work/absent/kept" --checkpoint-every 1 --checkpoint-seconds 1 --key "$work/other.key"; says error checkpoint_failed
mkdir "$work/absent"; says info checkpoint_resumed; stop

claim "a log that is not the one that was signed"
cp "$work/backups/one.db" "$work/log.db"; rm -f "$work"/log.db-*
run timeout 20 "$leadfitd" --db "$work/log.db" --listen "$LEADFIT_SERVER"; status_is 4; file_has "$work/err" '"level":"error","event":"start_failed"'
cat "$work/err" >>"$all"
start log.db --accept-rewound; says warning rewound_accepted; stop

claim "a reload that is done, and one that is not"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost -keyout "$work/tls.key" -out "$work/tls.pem" 2>/dev/null
start log.db --http 127.0.0.1:0 --tls-certificate "$work/tls.pem" --tls-key "$work/tls.key"; says info certificate
kill -HUP "${started[0]}"; says info reloaded
echo nothing >"$work/tls.pem"; kill -HUP "${started[0]}"; says warning reload_refused
stop

claim "a log that is taken away"
start log.db; rm "$work/log.db"; says error log_failed; says error giving_up; ended 3

claim "each line is one object of what is documented, and each event of the table came, but for a few"
LC_ALL=C.UTF-8 python3 - "$source_folder/service/events/events.h" "$all" "$elsewhere" <<'END' || fail "see above"
import json, re, sys
table = {name: level.lower() for name, level in re.findall(r'X\(\w+, "(\w+)", (\w+),', open(sys.argv[1]).read())}
elsewhere = {word.split("=")[0] for word in sys.argv[3].split()}
came = set()
for line in open(sys.argv[2]):
    said = json.loads(line)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", said["ts"]), line
    assert table[said["event"]] == said["level"] and isinstance(said["msg"], str), line
    came.add(said["event"])
never = {word for word in sys.argv[3].split() if "=" not in word}
wrong = {"never came": set(table) - came - elsewhere, "came, and is listed as one that does not": came & never, "unknown": elsewhere - set(table)}
for what, names in wrong.items():
    if names:
        print(what + ":", *sorted(names))
sys.exit(any(wrong.values()))
END

finish
