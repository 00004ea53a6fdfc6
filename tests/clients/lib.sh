# What the tests of the examples share. Source it with the test's arguments; each test then builds its example, says how it is
# run, and makes the same claims. Usage of each: LANGUAGE_test.sh LEADFIT LEADFITD SOURCE_FOLDER
set -u
leadfit=$(realpath "$1")
leadfitd=$(realpath "$2")
source_folder=$(realpath "$3")
. "$(dirname "${BASH_SOURCE[0]}")/../cli/assert.sh"

unset LEADFIT_SERVER LEADFIT_TOKEN SSL_CERT_FILE http_proxy https_proxy
export LC_ALL=C.UTF-8 no_proxy='*'
examples=$source_folder/client/examples
request=$source_folder/service/examples/request.json
bad=$work/bad.json # the same with a rating that is refused
sed 's/4.5, "source": "PEER", "observedOn": "2026-05-01"/7, "source": "PEER"/' "$request" >"$bad"
refusal='team.members[0].evidence[0].rating: 7 is outside 1..5'
ca=$work/ca.pem
python=/usr/bin/python3 # Debian's, whose packages are meant

# need FILE PACKAGE...: the test is skipped, and says why, where the file is not there.
need() {
	[ -e "$1" ] || command -v "$1" >/dev/null || { echo "skipped: $1 is missing; service/install-packages.sh clients installs ${*:2}"; exit 77; }
}

# must COMMAND...: a step of building; the test ends where it fails.
must() {
	"$@" >"$work/build.log" 2>&1 || { echo "FAILED: $*"; tail -n 30 "$work/build.log"; exit 1; }
}

# generate PROTOC_OPTION...: code for every message and service.
generate() { must protoc -I "$source_folder/proto" "$@" "$source_folder"/proto/leadfit/v1/*.proto; }

certificates() {
	must openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=test-ca -keyout "$work/ca.key" -out "$ca"
	must openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=localhost -keyout "$work/tls.key" -out "$work/tls.csr"
	printf 'subjectAltName=DNS:localhost,IP:127.0.0.1\nbasicConstraints=CA:FALSE\n' >"$work/tls.ext"
	must openssl x509 -req -in "$work/tls.csr" -CA "$ca" -CAkey "$work/ca.key" -CAcreateserial -days 2 -extfile "$work/tls.ext" -out "$work/tls.pem"
}

# start NAME [OPTION]...: a service, plain and over TLS on one port, which $port then has; local socket $work/NAME.
start() {
	"$leadfitd" --db "$work/$1.db" --listen "ipc://$work/$1" --http 127.0.0.1:0 --tls-certificate "$work/tls.pem" --tls-key "$work/tls.key" \
		"${@:2}" 2>"$work/$1.log" &
	started+=($!)
	wait_for "$work/$1.log" ready
	port=$(sed -n 's|.*listening on https\{0,1\}://127\.0\.0\.1:\([0-9]*\).*|\1|p' "$work/$1.log" | head -n 1)
	[ -n "$port" ] || { cat "$work/$1.log"; echo "FAILED: no HTTP port"; exit 1; }
}

# services [OPTION]...: one that knows its callers ($asks, HOST:PORT; the token is "secret"), one with these options that asks for nothing
# ($open); $answer is what an example prints.
services() {
	certificates
	printf 'hr %s score\n' "$(printf secret | sha256sum | cut -d ' ' -f 1)" >"$work/tokens"
	chmod 600 "$work/tokens"
	start asks --tokens "$work/tokens"
	asks=127.0.0.1:$port
	start open "$@"
	open=127.0.0.1:$port
	"$leadfit" --server "ipc://$work/open" score --team "$source_folder/service/examples/team.yaml" --as-of 2026-08-01 \
		--project "$source_folder/service/examples/project.yaml" --output json >"$work/decision.json" || { echo "FAILED: leadfit score"; exit 1; }
	answer=$("$python" -c 'import json, sys
decision = json.load(open(sys.argv[1]))
print(decision["recommended"], decision["outcome"], decision["explanation"][0], sep="\n")' "$work/decision.json")
}

# code FILE: its lines that are neither empty nor a comment.
code() { grep -cvE '^[[:space:]]*((//|#|\*|/\*).*)?$' "$1"; }

# example_claims FILE [no-tls]: what holds of every example. After services. The test has a function for it: example URL REQUEST [CA].
example_claims() {
	local scheme schemes="http https"
	[ "${2:-}" != no-tls ] || schemes=http
	claim "the example has at most 40 lines of code"
	[ "$(code "$1")" -le 40 ] || fail "$1 has $(code "$1")"
	for scheme in $schemes; do
		claim "$scheme: the answer is the one that the CLI gets"
		run example "$scheme://$open" "$request" "$ca"; status_is 0; out_is "$answer"

		claim "$scheme: a token makes the caller known; without it, or with another, there is no answer"
		LEADFIT_TOKEN=secret run example "$scheme://$asks" "$request" "$ca"
		status_is 0; out_is "$answer"
		run example "$scheme://$asks" "$request" "$ca"
		[ "$status" != 0 ] || fail "an answer without a token"
		grep -qi unauthenticated "$work/out" "$work/err" || fail "nothing says UNAUTHENTICATED"
		LEADFIT_TOKEN=other run example "$scheme://$asks" "$request" "$ca"
		[ "$status" != 0 ] || fail "an answer with a wrong token"

		claim "$scheme: an invalid field is named, with what is allowed"
		run example "$scheme://$open" "$bad" "$ca"
		[ "$status" != 0 ] || fail "an answer to an invalid request"
		grep -qF "$refusal" "$work/out" "$work/err" || fail "nothing names the field"
	done
	if [ "$schemes" != http ]; then
		claim "https: a certificate of an unknown issuer is refused"
		run example "https://$open" "$request" ""
		[ "$status" != 0 ] || fail "an answer"
		[ "$(cat "$work/out")" != "$answer" ] || fail "an answer is printed"
	fi
	claim "where nothing listens the example ends, and says so"
	run example http://127.0.0.1:9 "$request" ""
	[ "$status" != 0 ] && { [ -s "$work/err" ] || [ -s "$work/out" ]; } || fail "status $status"
}
