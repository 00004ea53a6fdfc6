#!/bin/bash
# The service's signing key and the checkpoints that it writes: made, refused, checked with openssl alone, and held against the log.
# Usage: seal_test.sh LEADFIT LEADFITD SOURCE_FOLDER
set -u
leadfit=$1
leadfitd=$2
source_folder=$3
. "$(dirname "$0")/assert.sh"

unset LEADFIT_TOKEN COLUMNS NO_COLOR
export LC_ALL=C.UTF-8
export LEADFIT_SERVER=ipc://$work/socket
data=$work/data
mkdir "$data"
db=$data/leadfit.db

# start [OPTION]...: the service on this test's log. Waits until it is ready.
start() {
	: >"$work/daemon.log"
	"$leadfitd" --db "$db" --listen "$LEADFIT_SERVER" --rubric "$source_folder/service/rubrics/tech-lead.yaml" --log text "$@" 2>"$work/daemon.log" &
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
# refused STATUS OPTION...: the service does not start.
refused() {
	local expected=$1
	shift
	run timeout 20 "$leadfitd" --db "$db" --listen "$LEADFIT_SERVER" "$@"
	status_is "$expected"; out_empty; err_lacks ready
}
# score N: so many decisions.
score() {
	local i
	for i in $(seq "$1"); do
		"$leadfit" score --team "$source_folder/service/examples/team.yaml" --project "$source_folder/service/examples/project.yaml" \
			--output json >/dev/null || fail "a decision failed"
	done
}
size_of() { sed -n 2p "$1"; }
mode_of() { stat -c %a "$1"; }
said_times() { grep -cF -- "$1" "$work/daemon.log"; }

claim "the first start makes a key for its owner alone, and says the verifier key, which stands beside it for everyone"
run "$leadfitd" key --db "$db"; status_is 2; out_empty; err_has "$db.key: there is no such file"
start --origin example.com/leadfit
file_has "$work/daemon.log" "made the signing key $db.key"
[ "$(mode_of "$db.key")" = 600 ] || fail "mode $(mode_of "$db.key")"
[ "$(mode_of "$db.key.pub")" = 644 ] || fail "mode $(mode_of "$db.key.pub")"
public=$(cat "$db.key.pub")
file_has "$work/daemon.log" "verifier key $public"
case $public in example.com/leadfit+????????+A*) ;; *) fail "no verifier key: $public" ;; esac
file_lacks "$db.key.pub" PRIVATE
run "$leadfitd" key --db "$db"; status_is 0; err_empty; out_is "$public"
run "$leadfitd" key --key "$db.key"; status_is 0; out_is "$public"
score 3
stop
private=$(cut -d+ -f5- "$db.key")
file_lacks "$work/daemon.log" "$private"

claim "at the end, the newest checkpoint has all that was decided, and the same key signs after another start"
[ "$(size_of "$db.checkpoints/latest")" = 6 ] || fail "latest has $(size_of "$db.checkpoints/latest")"
cmp -s "$db.checkpoints/latest" "$db.checkpoints/00000000000000000006.checkpoint" || fail "latest is not the newest one"
start
file_lacks "$work/daemon.log" "made the signing key"
file_has "$work/daemon.log" "verifier key $public"
score 1
stop
[ "$(size_of "$db.checkpoints/latest")" = 7 ] || fail "latest has $(size_of "$db.checkpoints/latest")"
[ "$(head -n 1 "$db.checkpoints/latest")" = example.com/leadfit ] || fail "another origin"

claim "a checkpoint is checked with openssl alone, as service/README.md says"
mkdir "$work/openssl"
cp "$db.key.pub" "$db.checkpoints/latest" "$work/openssl/"
awk '/^```sh$/ {on = 1; block = ""; next} /^```$/ {if (on && block ~ /pkeyutl/) printf "%s", block; on = 0} on {block = block $0 "\n"}' \
	"$source_folder/service/README.md" >"$work/check.sh"
grep -q pkeyutl "$work/check.sh" || fail "the README has no such commands"
cd "$work/openssl" || exit 1
run sh "$work/check.sh"; status_is 0; out_has "Signature Verified Successfully"
sed -i 2s/7/8/ latest
run sh "$work/check.sh"; [ "$status" != 0 ] || fail "an altered checkpoint verifies"
out_lacks "Verified Successfully"
cd - >/dev/null || exit 1

claim "the client checks what the service proves and signs, against a written checkpoint and the public key"
start
"$leadfit" decisions list --output json >"$work/list.json"
id=$(sed -n 's/.*"decisionId": "\([^"]*\)".*/\1/p' "$work/list.json" | tail -n 1)
run "$leadfit" decisions prove "$id" --proof "$work/proof" --key "$db.key.pub"; status_is 0; err_empty
stop
run "$leadfit" decisions verify-proof "$work/proof" --key "$db.key.pub"; status_is 0; out_has "the log has decision $id"; out_has "position    3 of 7"
other_key=$(sed 's/leadfit+......../leadfit+00000000/' "$db.key.pub")
run "$leadfit" decisions verify-proof "$work/proof" --key "$other_key"; [ "$status" != 0 ] || fail "a proof verifies with another key"

claim "a key that others may read, that is none, or that has another name is refused"
chmod 640 "$db.key"
refused 4; err_has "$db.key: others than its owner may read or write it (mode 640)"
run "$leadfitd" key --db "$db"; status_is 4; out_empty
chmod 600 "$db.key"
refused 2 --origin example.com/another; err_has "--origin example.com/another: the key $db.key has the name example.com/leadfit"
refused 2 --key "$source_folder/README.md"; err_has "README.md: more than 1024 bytes are no signing key"
(umask 077; head -c 60 "$db.key" >"$data/cut.key")
refused 2 --key "$data/cut.key"; err_has "cut.key: not a signing key"
err_lacks "$(cut -d+ -f5- "$data/cut.key")"
refused 2 --checkpoint-every 0; err_has "--checkpoint-every 0: allowed are 1..1000000000"
refused 2 --checkpoint-every 1k; err_has "--checkpoint-every 1k"
refused 2 --checkpoint-seconds -1; err_has "--checkpoint-seconds -1: allowed are 1..86400"
run "$leadfitd" key; status_is 2; err_has "--db FILE or --key FILE is required"
run "$leadfitd" key --db "$db" more; status_is 2; err_has "unexpected argument more"
run "$leadfitd" key --nothing; status_is 2; err_has "leadfitd: unrecognized option '--nothing'"
run "$leadfitd" key --help; status_is 0; out_has "Usage: leadfitd key"
rm "$data/cut.key"
db_before=$db; db=$data/other.db
refused 2 --origin "two words"; err_has '--origin "two words": a name has 1..128 bytes'
[ ! -e "$db.key" ] || fail "a key was made"
rm -f "$db"*; db=$db_before

claim "a key that is lost is not replaced in silence"
mv "$db.key" "$data/kept.key"
refused 4; err_has "is a checkpoint of example.com/leadfit, and the signing key is not there"; err_has "--accept-rewound"
[ ! -e "$db.key" ] || fail "a key was made"
mv "$data/kept.key" "$db.key"

claim "a log that was rewound is refused, untouched"
cp "$db" "$data/old.db"
had=$(size_of "$db.checkpoints/latest")
start; score 2; stop
signed=$(size_of "$db.checkpoints/latest") # of two decisions more, and of what was read meanwhile
mv "$db" "$data/new.db"; cp "$data/old.db" "$db"
refused 4
err_has "$(printf %020d "$signed").checkpoint was signed when the log had $signed records, and it has $had: it was rewound"
err_has "--accept-rewound"
cmp -s "$data/old.db" "$db" || fail "the log was changed"
cp "$data/new.db" "$db"; start; stop # the one that was signed is accepted

claim "a log that was swapped is refused"
mv "$db" "$data/new.db"
start --checkpoints "$data/elsewhere/" --key "$db.key"; score 12; stop
refused 4; err_has "the log's first $signed records are not those of which"; err_has "it was altered, or is another log"
refused 4 --key "$data/own.key" # with a key of its own it is another service's
err_has "the signing key is not there"
rm -f "$data/own.key"*

claim "--accept-rewound starts nevertheless, says so, and keeps what was signed"
start --accept-rewound
file_has "$work/daemon.log" "accepted: the log's first $signed records are not those"
file_has "$work/daemon.log" "the checkpoints until now are kept as $db.checkpoints/set-aside-"
stop
[ "$(cat "$db.checkpoints"/set-aside-*/latest | sed -n 2p)" = "$signed" ] || fail "the old checkpoints are gone"
[ "$(size_of "$db.checkpoints/latest")" = 15 ] || fail "no new checkpoint"
start; file_lacks "$work/daemon.log" accepted; stop

claim "a file is replaced by each checkpoint"
: >"$data/one"
for path in "$data/one" "$data/new.checkpoint"; do
	start --checkpoints "$path"; score 1; wait_for "$path" example.com/leadfit; stop
	[ -f "$path" ] || fail "$path is no file"
	[ "$(size_of "$path")" -gt 10 ] || fail "$path has $(size_of "$path")"
done

claim "checkpoints that can't be written are said once, and the service goes on answering"
start --checkpoints "$data/absent/kept" --checkpoint-every 1 --checkpoint-seconds 1
wait_for "$work/daemon.log" "no checkpoint can be written"
score 3; sleep 2.2; score 1
[ "$(said_times "no checkpoint can be written")" = 1 ] || fail "said $(said_times "no checkpoint can be written") times"
file_has "$work/daemon.log" "$data/absent/kept: No such file or directory"
mkdir "$data/absent"
wait_for "$work/daemon.log" "checkpoints are written again"
stop
[ "$(size_of "$data/absent/kept/latest")" -ge 16 ] || fail "latest has $(size_of "$data/absent/kept/latest")"

claim "a SIGKILL leaves whole checkpoints, and the next start goes on from them"
start --checkpoint-every 1 --checkpoint-seconds 1
score 2
kill -KILL "${started[0]}"; wait "${started[0]}" 2>/dev/null; started=()
start
stop
for file in "$db.checkpoints"/*.checkpoint "$db.checkpoints/latest"; do
	cp "$file" "$work/openssl/latest"
	(cd "$work/openssl" && sh "$work/check.sh" >/dev/null 2>&1) || fail "$file does not verify"
done

claim "a line of the service's log can't be broken by a name"
broken="$work/no
2026-11-30T12:00:00.000000Z info ready: requests are taken$(printf '\033')[2J"
for option in --rubric --tokens --key --backups --db; do
	log=(--db "$work/fresh.db"); [ $option != --db ] || log=()
	run timeout 20 "$leadfitd" "${log[@]}" --listen "$LEADFIT_SERVER" --log text "$option" "$broken/none"
	[ "$status" != 0 ] && [ "$status" != 124 ] || fail "$option: status $status"
	! grep -q '^2026-11-30T12:00:00.000000Z' "$work/err" || fail "$option: a line of its own"
	err_has "no?2026-11-30T12:00:00.000000Z info ready: requests are taken?[2J"
done

claim "what can't be printed is said"
for arguments in --help --version "key --help" "verify --help" "restore --help" "key --db $db" "verify --db $db"; do
	# shellcheck disable=SC2086
	status=0; "$leadfitd" $arguments >/dev/full 2>"$work/full.err" || status=$?
	[ "$status" = 3 ] || fail "leadfitd $arguments: status $status"
	file_has "$work/full.err" "leadfitd: standard output can't be written: No space left on device"
done

finish
