#!/bin/bash
# Starts of the service that fail: each says why, and leaves what is there as it was.
# Usage: start_test.sh LEADFIT LEADFITD SOURCE_FOLDER
set -u
leadfit=$1
leadfitd=$2
source_folder=$3
. "$(dirname "$0")/assert.sh"

unset LEADFIT_TOKEN COLUMNS NO_COLOR
export LC_ALL=C.UTF-8
export LEADFIT_SERVER=ipc://$work/socket
mkdir "$work/data"
cd "$work/data" || exit 1

# Options that take one value, or none; "" begins those of leadfitd itself.
one_value=(
	"--db --tokens --tls-certificate --tls-key --tls-client-ca --publish --workers --connections --connections-per-address --key --origin --checkpoints --checkpoint-every --checkpoint-seconds"
	"key --db --key"
	"verify --db --key"
	"restore --db --from --key"
)
many=("--listen --rubric" "" "verify --checkpoint" "restore --checkpoint")
words="--log --log-level"
# each TABLE-LINE: calls try with the command (none for leadfitd itself) and each of its options.
each() {
	local words command=()
	read -ra words <<<"$1"
	case ${words[0]-} in --*) ;; ?*) command=("${words[0]}"); words=("${words[@]:1}") ;; esac
	for option in "${words[@]}"; do try "$option" "${command[@]}"; done
}

claim "an option that takes one value is given once, in every command"
try() {
	local option=$1
	shift
	run timeout 20 "$leadfitd" "$@" "$option" 1 "$option" 2
	status_is 2; out_empty; err_has "leadfitd: $option is given twice"
}
for line in "${one_value[@]}"; do each "$line"; done
run timeout 20 "$leadfitd" --db a.db --log text --log json; status_is 2; err_has "--log is given twice"
run timeout 20 "$leadfitd" --db a.db --accept-rewound --accept-rewound; status_is 2; err_has "--accept-rewound is given twice"

claim "an empty value is a mistake, in every option of every command"
try() {
	local option=$1
	shift
	run timeout 20 "$leadfitd" "$@" "$option" ""; status_is 2; out_empty; err_has "leadfitd: $option is empty (a variable that is not set?)"
	run timeout 20 "$leadfitd" "$@" "$option="; status_is 2; out_empty; err_has "leadfitd: $option is empty"
}
for line in "${one_value[@]}" "${many[@]}" "$words"; do each "$line"; done

claim "an option that takes one of several words says which"
run timeout 20 "$leadfitd" --db a.db --log yaml; status_is 2; out_empty; err_has "leadfitd: --log yaml: allowed are text, json"
run timeout 20 "$leadfitd" --db a.db --log-level all; status_is 2; out_empty; err_has "leadfitd: --log-level all: allowed are debug, info, warning, error"
[ -z "$(ls -A)" ] || fail "left behind: $(ls -A)"

# ---- a start that fails leaves nothing behind ----

team=$source_folder/service/examples/team.yaml
project=$source_folder/service/examples/project.yaml
secret=$(printf secret | sha256sum | cut -d' ' -f1)
mkdir "$work/in" # what the command lines below name
echo "ops $secret boss" >"$work/in/bad-roles"
echo "ops $secret admin" >"$work/in/writable"; chmod 666 "$work/in/writable"
echo "ops $secret admin" >"$work/in/tokens"; chmod 600 "$work/in/tokens"
echo "no key" >"$work/in/no-key"; chmod 600 "$work/in/no-key"
echo file >"$work/in/file"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost -keyout "$work/in/tls.key" -out "$work/in/tls.pem" 2>/dev/null
cp "$work/in/tls.key" "$work/in/tls-readable.key"; chmod 644 "$work/in/tls-readable.key"
openssl genpkey -algorithm ed25519 -out "$work/in/tls-other.key"; chmod 600 "$work"/in/tls.key "$work"/in/tls-other.key
printf 'name: r\nscale: {min: 5, max: 1}\n' >"$work/in/bad-rubric.yaml"
"$leadfitd" --db "$work/in/other.db" --listen "ipc://$work/in/other" --listen tcp://127.0.0.1:0 --publish "ipc://$work/in/other-news" \
	--origin example.com/other --log text 2>"$work/other.log" &
started=($!)
wait_for "$work/other.log" ready
port=$(sed -n 's|.* listening on tcp://127.0.0.1:||p' "$work/other.log")
cp "$work/in/other.db.key" "$work/in/readable"; chmod 644 "$work/in/readable"
cp "$work/in/other.db.key" "$work/in/named"

https="--http 127.0.0.1:0 --tls-certificate $work/in/tls.pem"

# Status, what is said, options.
reasons=(
	"2|unknown|--unknown"
	"2|--workers 65: allowed are 1..64|--workers 65"
	"2|unexpected argument|extra"
	"2|to listen takes tcp://HOST:PORT or ipc://PATH|--listen http://127.0.0.1:1"
	"2|a port is 0..65535|--listen tcp://127.0.0.1:65536"
	"4|without --tokens FILE|--listen tcp://0.0.0.0:0"
	"3|the address is taken|--listen tcp://127.0.0.1:$port"
	"3|the address is taken|--listen ipc://$work/free --listen tcp://127.0.0.1:$port"
	"3|the address is taken|--listen ipc://$work/in/other"
	"3|a file that is not a socket is there|--listen ipc://$work/in/file"
	"3|its directory: No such file or directory|--listen ipc://$work/in/nowhere/socket"
	"2|192.0.2.1|--tokens $work/in/tokens --listen tcp://192.0.2.1:0"
	"2|.invalid|--tokens $work/in/tokens --listen tcp://nowhere.invalid:0"
	"3|the address is taken|--listen ipc://$work/free --listen ipc://$work/free"
	"3||--publish ipc://$work/in/nowhere/news"
	"3|nowhere|--tokens $work/in/nowhere"
	"2|none of the roles|--tokens $work/in/bad-roles"
	"4|chmod go-w|--tokens $work/in/writable"
	"2|need --tls-certificate|--tls-key $work/in/tls.key"
	"2|needs --http|--tls-certificate $work/in/tls.pem --tls-key $work/in/tls.key"
	"2|needs --tokens|$https --tls-key $work/in/tls.key --tls-client-ca $work/in/tls.pem"
	"2|needs --tls-client-ca|$https --tls-key $work/in/tls.key --tokens $work/in/tokens --tls-client-required"
	"2|--tls-key $work/in/tls.pem: there is no private key|$https"
	"2|not the key of the first certificate|$https --tls-key $work/in/tls-other.key"
	"3|--tls-key $work/in/nowhere: No such file|$https --tls-key $work/in/nowhere"
	"4|chmod 600|$https --tls-key $work/in/tls-readable.key"
	"2|there is no certificate|--http 127.0.0.1:0 --tls-certificate $work/in/file --tls-key $work/in/tls.key"
	"2|tls+tcp://127.0.0.1:0: there is no TLS over nng|--listen tls+tcp://127.0.0.1:0"
	"4|chmod 600|--key $work/in/readable"
	"2|not a signing key|--key $work/in/no-key"
	"2|not a regular file|--key $work/in"
	"3|can't be made|--key $work/in/nowhere/key"
	"2|has the name example.com/other|--key $work/in/named --origin example.com/mine"
	"2|--origin|--origin a+b"
	"4|is not there (--key)|--checkpoints $work/in/other.db.checkpoints"
	"4|not signed by this service's key|--checkpoints $work/in/other.db.checkpoints --key $work/in/mine"
	"4|it was rewound, or is another log|--checkpoints $work/in/other.db.checkpoints --key $work/in/named"
	"3||--checkpoints $work/in/file/in-a-file"
	"2|No such file|--rubric $work/in/nowhere.yaml"
	"2|bad-rubric.yaml|--rubric $work/in/bad-rubric.yaml"
)
run timeout 20 "$leadfitd" key --db "$work/in/nothing"; status_is 2
"$leadfitd" --db "$work/in/mine.db" --listen "ipc://$work/mine" 2>"$work/mine.log" & mine=$!
wait_for "$work/mine.log" ready; kill "$mine"; wait "$mine"; mv "$work/in/mine.db.key" "$work/in/mine"; rm -rf "$work"/in/mine.db*
state_of() { (cd "$1" && find . -not -name '*-shm' -not -name '*-wal' -not -type d -printf '%p %i %m %U %s %T@\n' | sort; find . -type f -not -name '*-shm' -not -name '*-wal' -print0 | sort -z | xargs -0 sha256sum); }
failed_start() { # a line of reasons, a log; any failure where the line says no status
	local expected said options
	IFS='|' read -r expected said options <<<"$1"
	case $options in *--listen*) ;; *) options+=" --listen ipc://$work/free" ;; esac
	# shellcheck disable=SC2086
	run timeout 20 "$leadfitd" --db "$2" --log text $options; status_is "${expected:-$status}"; [ "$status" != 0 ] || fail "it started"; out_empty; err_lacks " ready: "
	[ -z "$said" ] || err_has "$said"
	[ ! -e "$work/free" ] || fail "$options: a socket is left behind"
}

claim "for whatever reason a start fails: a new log, a key, a checkpoint, a socket are not left behind, and nothing else is touched"
before=$(state_of "$work/in" | grep -v 'other.db')
for reason in "${reasons[@]}"; do
	failed_start "$reason" "$work/data/new.db"
	[ -z "$(ls -A)" ] || { fail "$reason: left behind: $(ls -A)"; rm -rf "$work/data"/* ; }
done
[ "$(state_of "$work/in" | grep -v 'other.db')" = "$before" ] || fail "touched: $(diff <(echo "$before") <(state_of "$work/in" | grep -v 'other.db'))"
run "$leadfit" --server "ipc://$work/in/other" health; status_is 0
for log in "$work/in/other.db" "$work/in/nowhere/new.db" "$work/in"; do
	failed_start "$([ "$log" = "$work/in/other.db" ] && echo 4 || echo 3)||" "$log"
done
[ "$(state_of "$work/in" | grep -v 'other.db')" = "$before" ] || fail "touched by a log that can't be had"

claim "a log that was there is there afterwards, with its key, its checkpoints and its decisions"
"$leadfitd" --db "$work/data/old.db" --listen "$LEADFIT_SERVER" 2>"$work/old.log" & old=$!
wait_for "$work/old.log" ready
run "$leadfit" score --team "$team" --project "$project" --output json; status_is 0
kill "$old"; wait "$old"
before=$(state_of .)
for reason in "${reasons[@]}"; do
	failed_start "||${reason##*|}" "$work/data/old.db" # with a key and checkpoints, some fail for another reason
	[ "$(state_of .)" = "$before" ] || { fail "$reason: touched: $(diff <(echo "$before") <(state_of .))"; before=$(state_of .); }
done
"$leadfitd" --db "$work/data/old.db" --listen "$LEADFIT_SERVER" 2>"$work/old.log" & old=$!
wait_for "$work/old.log" ready
run "$leadfit" decisions list; status_is 0; out_has payments
run "$leadfit" decisions verify; status_is 0
kill "$old"; wait "$old"

claim "an empty file that was there is no log that the start made: it stays"
: >empty.db
failed_start "3|the address is taken|--listen tcp://127.0.0.1:$port" "$work/data/empty.db"
[ -e empty.db ] && [ ! -s empty.db ] || fail "empty.db"

# ---- file descriptors ----

claim "where there are too few file descriptors it does not start, and says how many it needs"
run bash -c "ulimit -n 64; exec timeout 20 '$leadfitd' --db few.db --listen 'ipc://$work/free' --http 127.0.0.1:0"
status_is 4; out_empty; err_has "64 file descriptors are too few: 64 connections and files need 288"; err_has "ulimit -Hn"; err_has "--connections"
[ ! -e few.db ] && [ ! -e "$work/free" ] || fail "something is left behind"

claim "a soft limit is raised as far as it may be"
(ulimit -Sn 64; exec "$leadfitd" --db few.db --listen "$LEADFIT_SERVER" --http 127.0.0.1:0) 2>"$work/few.log" & few=$!
wait_for "$work/few.log" ready
file_has "$work/few.log" "over local sockets: 1024; over HTTP: 1024;"
kill "$few"; wait "$few"

claim "with few there are fewer connections, it says so, and serves however many come"
(ulimit -n 400; exec "$leadfitd" --db few.db --listen "$LEADFIT_SERVER" --http 127.0.0.1:0 --log text) 2>"$work/few.log" & few=$!
wait_for "$work/few.log" ready
file_has "$work/few.log" "over local sockets: 48; over HTTP: 48;"
few_port=$(sed -n 's|.* listening on http://127.0.0.1:||p' "$work/few.log")
# 400 connections that say nothing: each of the 24 that are not kept for local sockets makes room for the next.
for i in $(seq 400); do exec {fd}<>"/dev/tcp/127.0.0.1/$few_port" || fail "connection $i"; silent+=("$fd"); done
run "$leadfit" health; status_is 0
run curl -sS --max-time 20 "http://127.0.0.1:$few_port/livez"; status_is 0
[ "$(find "/proc/$few/fd" -mindepth 1 | wc -l)" -lt 128 ] || fail "$(find "/proc/$few/fd" -mindepth 1 | wc -l) descriptors are open"
for fd in "${silent[@]}"; do exec {fd}>&-; done
kill "$few"; wait "$few"; rm -f few.db*

claim "what a failed start has left no trace of begins as if nothing had been"
"$leadfitd" --db "$work/data/new.db" --listen "$LEADFIT_SERVER" 2>"$work/new.log" & new=$!
wait_for "$work/new.log" ready
file_has "$work/new.log" "made the signing key"
run "$leadfit" health; status_is 0
kill "$new"; wait "$new"

finish
